"""A model whose constructor does not call `post_init()` does not load with transformers 5.

It lacks `all_tied_weights_keys`, which post_init() sets. No report was found.
"""

import sys
import tempfile

from torch import nn
from transformers import PretrainedConfig, PreTrainedModel

BROKEN = "transformers==5.23.0 timm==1.0.31"
HEALTHY = "transformers==4.57.6 timm==1.0.22"
URL = None
REMEDY = "none"


class Config(PretrainedConfig):
    model_type = "hasty"


class Hasty(PreTrainedModel):
    config_class = Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.mix = nn.Linear(4, 4)


with tempfile.TemporaryDirectory() as folder:
    try:
        Hasty(Config()).save_pretrained(folder)
        Hasty.from_pretrained(folder)
    except AttributeError as error:
        sys.exit(f"broken: {error}")
