"""Weights that a model's constructor loads into a timm tower are lost where a checkpoint of the rest is loaded.

From transformers 4.51 on `from_pretrained` makes anew what the checkpoint lacks; transformers 5 constructs on the meta
device, where timm loads nothing. From 4.54 on `post_init()` overwrites them where the model is constructed, too.
"""

import sys
import tempfile
from pathlib import Path

import timm
import torch
from safetensors.torch import save_file
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel

BROKEN = "transformers==5.23.0 timm==1.0.31"
HEALTHY = "transformers==4.49.0 timm==1.0.15"
URL = "https://github.com/huggingface/transformers/issues/38061"
REMEDY = "load_pretrained_again"


class TowerConfig(PretrainedConfig):
    model_type = "tower"

    def __init__(self, weights: str = "", **kwargs: object) -> None:
        self.weights = weights
        super().__init__(**kwargs)


class Tower(PreTrainedModel):
    config_class = TowerConfig

    def __init__(self, config: TowerConfig) -> None:
        super().__init__(config)
        source = {"file": config.weights, "num_classes": 0}
        self.vision = timm.create_model("test_vit", num_classes=0, pretrained=True, pretrained_cfg_overlay=source)
        self.projector = nn.Linear(self.vision.num_features, 8)
        self.post_init()


with tempfile.TemporaryDirectory() as folder:
    weights = {
        name: torch.rand_like(tensor)
        for name, tensor in timm.create_model("test_vit", num_classes=0).state_dict().items()
    }
    file = Path(folder) / "timm.safetensors"
    save_file(weights, file)
    model = Tower(TowerConfig(str(file)))
    rest = {name: tensor for name, tensor in model.state_dict().items() if name.startswith("projector")}
    model.save_pretrained(folder + "/projector", state_dict=rest)
    loaded = Tower.from_pretrained(folder + "/projector")
    if "--remedy" in sys.argv:
        from harness.remedies import models

        models.load_pretrained_again(loaded, {}, None)
    tower = loaded.vision.state_dict()
lost = [name for name, tensor in weights.items() if not tensor.equal(tower[name])]
if lost:
    sys.exit(f"broken: {len(lost)} weights are not those of the file, {lost[0]} the first")
