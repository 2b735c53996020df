"""A model freezes a part of itself as it is built; loaded, that part is trained.

transformers 5 puts new parameters in place of the frozen ones. No report was found.
"""

import sys
import tempfile

import torch
from transformers import PretrainedConfig, PreTrainedModel

BROKEN = "transformers==5.23.0 timm==1.0.31"
HEALTHY = "transformers==4.57.6 timm==1.0.22"
URL = None
REMEDY = "freeze_as_built"


class Config(PretrainedConfig):
    model_type = "frozen-part"


class Model(PreTrainedModel):
    config_class = Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.frozen = torch.nn.Linear(2, 2).requires_grad_(requires_grad=False)
        self.trained = torch.nn.Linear(2, 2)
        self.post_init()


with tempfile.TemporaryDirectory() as folder:
    Model(Config()).save_pretrained(folder)
    loaded = Model.from_pretrained(folder)
if "--remedy" in sys.argv:
    from harness.remedies import models

    models.freeze_as_built(loaded, {}, None)
if not loaded.trained.weight.requires_grad:
    sys.exit("the part that is trained is frozen too")
if loaded.frozen.weight.requires_grad:
    sys.exit("broken: frozen.weight is trained after loading")
