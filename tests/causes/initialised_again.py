"""What a model's _init_weights writes by `.data` replaces weights that transformers 5 has just loaded.

transformers' own init functions leave loaded weights alone; writing to `.data` goes round them.
"""

import sys
import tempfile
from pathlib import Path

import timm
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel

BROKEN = "transformers==5.12.1 timm==1.0.27"
HEALTHY = "transformers==5.23.0 timm==1.0.31"
URL = "https://github.com/huggingface/transformers/issues/46620"
REMEDY = "load_by_exact_names"


class TowerConfig(PretrainedConfig):
    model_type = "tower"


class Tower(PreTrainedModel):
    config_class = TowerConfig

    def __init__(self, config: TowerConfig) -> None:
        super().__init__(config)
        self.vision = timm.create_model("test_convnext")
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Linear):
            module.weight.data.normal_(std=0.02)


saved = Tower(TowerConfig())
with tempfile.TemporaryDirectory() as folder:
    saved.save_pretrained(folder)
    loaded, report = Tower.from_pretrained(folder, output_loading_info=True)
    if "--remedy" in sys.argv:
        from harness.remedies import models

        models.load_by_exact_names(loaded, report, Path(folder))
lost = [name for name, tensor in loaded.state_dict().items() if not tensor.equal(saved.state_dict()[name])]
if lost:
    sys.exit(f"broken: {len(lost)} weights are random, {lost[0]} the first")
