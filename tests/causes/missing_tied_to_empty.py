"""transformers 5.2.0 takes a weight that the checkpoint lacks for one that is tied to an empty tensor.

Both have no memory, and so the same address. The missing weight gets the empty tensor's shape, and no report names it.
No report was found.
"""

import sys
import tempfile

import torch
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel

BROKEN = "transformers==5.2.0 timm==1.0.24"
HEALTHY = "transformers==5.3.0 timm==1.0.24"
URL = None
REMEDY = "move"


class TowerConfig(PretrainedConfig):
    model_type = "tower"


class Tower(PreTrainedModel):
    config_class = TowerConfig

    def __init__(self, config: TowerConfig) -> None:
        super().__init__(config)
        self.head = nn.Linear(4, 0, bias=False)  # timm's InceptionNeXt without classes has such a layer
        self.body = nn.Linear(4, 4)
        self.post_init()


with tempfile.TemporaryDirectory() as folder:
    model = Tower(TowerConfig())
    model.save_pretrained(
        folder, state_dict={name: value for name, value in model.state_dict().items() if name != "body.weight"}
    )
    loaded, report = Tower.from_pretrained(folder, output_loading_info=True)
    if loaded.body.weight.shape != torch.Size([4, 4]) or "body.weight" not in report["missing_keys"]:
        sys.exit(f"broken: body.weight has shape {tuple(loaded.body.weight.shape)}")
