"""A constructor that reads a value by .item() does not load in transformers 5.0 to 5.5.0, all on the meta device.

Later 5 makes torch.linspace give tensors of the CPU meanwhile.
"""

import sys
import tempfile

import torch
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel

BROKEN = "transformers==5.0.0 timm==1.0.24"
HEALTHY = "transformers==5.23.0 timm==1.0.31"
URL = "https://github.com/huggingface/transformers/issues/43957"
REMEDY = "move"


class Config(PretrainedConfig):
    model_type = "rates"


class Rates(PreTrainedModel):
    config_class = Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        rates = [rate.item() for rate in torch.linspace(0, 0.1, 4)]
        self.drops = nn.ModuleList(nn.Dropout(rate) for rate in rates)
        self.mix = nn.Linear(4, 4)
        self.post_init()


with tempfile.TemporaryDirectory() as folder:
    Rates(Config()).save_pretrained(folder)
    try:
        Rates.from_pretrained(folder)
    except RuntimeError as error:
        sys.exit(f"broken: {error}")
