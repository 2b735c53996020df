"""transformers before 4.49 renames every key that contains gamma to weight when it loads: a LayerScale is lost.

Only models of one's own and TimmBackbone: TimmWrapper, new in 4.48, keeps its names.
"""

import sys
import tempfile
from pathlib import Path

import timm
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel

BROKEN = "transformers==4.48.3 timm==1.0.14"
HEALTHY = "transformers==4.49.0 timm==1.0.15"
URL = "https://github.com/huggingface/pytorch-image-models/issues/2324"
REMEDY = "load_by_exact_names"


class TowerConfig(PretrainedConfig):
    model_type = "tower"


class Tower(PreTrainedModel):
    config_class = TowerConfig

    def __init__(self, config: TowerConfig) -> None:
        super().__init__(config)
        self.vision = timm.create_model("convnext_atto")
        self.post_init()


saved = Tower(TowerConfig())
nn.init.ones_(saved.vision.stages[0].blocks[0].gamma)
with tempfile.TemporaryDirectory() as folder:
    saved.save_pretrained(folder)
    loaded = Tower.from_pretrained(folder)
    if "--remedy" in sys.argv:
        from harness.remedies import models

        models.load_by_exact_names(loaded, {}, Path(folder))
gamma = loaded.vision.stages[0].blocks[0].gamma
if not gamma.equal(saved.vision.stages[0].blocks[0].gamma):
    sys.exit(f"broken: gamma was saved as 1 and is loaded as {gamma[0]:.1e}")
