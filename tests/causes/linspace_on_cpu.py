"""A module that combines torch.linspace with another tensor as it is built does not load in transformers 5.6 or later.

Everything is built on the meta device, but torch.linspace is made to give tensors of the CPU meanwhile.
No report was found.
"""

import sys
import tempfile

import torch
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel

BROKEN = "transformers==5.23.0 timm==1.0.31"
HEALTHY = "transformers==5.0.0 timm==1.0.24"
URL = None
REMEDY = "move"


class Config(PretrainedConfig):
    model_type = "table"


class Table(PreTrainedModel):
    config_class = Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.mix = nn.Linear(4, 4)
        self.register_buffer("table", torch.arange(4) * torch.linspace(0, 1, 4))
        self.post_init()


with tempfile.TemporaryDirectory() as folder:
    Table(Config()).save_pretrained(folder)
    try:
        Table.from_pretrained(folder)
    except RuntimeError as error:
        sys.exit(f"broken: {error}")
