"""Swin's attention masks come back on the meta device: transformers 4 with timm 1.0.31.

No report was found.
"""

import sys
import tempfile

import timm
from transformers import PretrainedConfig, PreTrainedModel

BROKEN = "transformers==4.57.6 timm==1.0.31"
HEALTHY = "transformers==4.57.6 timm==1.0.22"
URL = None
REMEDY = "move"


class TowerConfig(PretrainedConfig):
    model_type = "tower"


class Tower(PreTrainedModel):
    config_class = TowerConfig

    def __init__(self, config: TowerConfig) -> None:
        super().__init__(config)
        self.vision = timm.create_model("swin_tiny_patch4_window7_224")
        self.post_init()


with tempfile.TemporaryDirectory() as folder:
    Tower(TowerConfig()).save_pretrained(folder)
    loaded = Tower.from_pretrained(folder)
lost = [name for name, buffer in loaded.named_buffers() if buffer.is_meta]
if lost:
    sys.exit(f"broken: {lost[0]} is on the meta device")
