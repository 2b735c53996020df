"""A model with a weight that two layers share, and that it does not declare, cannot be saved by transformers.

No report was found, and no release without it.
"""

import sys
import tempfile

from torch import nn
from transformers import PretrainedConfig, PreTrainedModel

BROKEN = "transformers==5.23.0 timm==1.0.31"
HEALTHY = None
URL = None
REMEDY = "none"


class Config(PretrainedConfig):
    model_type = "sharing"


class Sharing(PreTrainedModel):
    config_class = Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.first = nn.Linear(4, 4)
        self.second = nn.Linear(4, 4)
        self.second.weight = self.first.weight
        self.post_init()


with tempfile.TemporaryDirectory() as folder:
    try:
        Sharing(Config()).save_pretrained(folder)
    except RuntimeError as error:
        sys.exit(f"broken: {error}".splitlines()[0])
