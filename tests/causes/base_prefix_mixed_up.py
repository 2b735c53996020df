"""transformers 5 mixes up two weights whose names differ in the base model's prefix alone, and says nothing.

A checkpoint's `base.mix.weight` is taken for `mix.weight` because that name is there too, and the other way round.
No report was found.
"""

import sys
import tempfile

import torch
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel

BROKEN = "transformers==5.23.0 timm==1.0.31"
HEALTHY = "transformers==4.57.6 timm==1.0.22"
URL = None
REMEDY = "move"


class Config(PretrainedConfig):
    model_type = "two"


class Two(PreTrainedModel):
    config_class = Config
    base_model_prefix = "base"

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.base = nn.ModuleDict({"mix": nn.Linear(2, 2, bias=False)})
        self.mix = nn.Linear(2, 2, bias=False)
        self.post_init()


saved = Two(Config())
with tempfile.TemporaryDirectory() as folder:
    saved.save_pretrained(folder)
    loaded = Two.from_pretrained(folder).state_dict()
for name, weight in saved.state_dict().items():
    if not torch.equal(weight, loaded[name]):
        sys.exit(f"broken: {name} was {weight.flatten()[0]:.3f} and is {loaded[name].flatten()[0]:.3f}")
