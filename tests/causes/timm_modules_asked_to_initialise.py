"""transformers 4.52 calls `_initialize_weights`, its own method, on any module that has an `_init_weights`.

timm's CaiT, BEiT, ViT and others have one, so a model that holds them cannot be made.
"""

import sys

import timm
from transformers import PretrainedConfig, PreTrainedModel

BROKEN = "transformers==4.52.4 timm==1.0.15"
HEALTHY = "transformers==4.49.0 timm==1.0.15"
URL = "https://github.com/huggingface/transformers/issues/38358"
REMEDY = "move"


class TowerConfig(PretrainedConfig):
    model_type = "tower"


class Tower(PreTrainedModel):
    config_class = TowerConfig

    def __init__(self, config: TowerConfig) -> None:
        super().__init__(config)
        self.vision = timm.create_model("test_vit3", num_classes=0)
        self.post_init()


try:
    Tower(TowerConfig())
except AttributeError as error:
    sys.exit(f"broken: {error}")
