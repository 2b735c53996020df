"""Buffers that timm up to 1.0.22 makes in float32 stay so in a model that transformers loads in half precision.

Nothing is lost: the values are finer than those of a timm model that was cast. No report was found.
"""

import sys
import tempfile

import timm
import torch
from transformers import PretrainedConfig, PreTrainedModel

BROKEN = "transformers==4.57.6 timm==1.0.22"
HEALTHY = "transformers==4.57.6 timm==1.0.24"
URL = None
REMEDY = "cast_buffers"


class TowerConfig(PretrainedConfig):
    model_type = "tower"


class Tower(PreTrainedModel):
    config_class = TowerConfig

    def __init__(self, config: TowerConfig) -> None:
        super().__init__(config)
        self.vision = timm.create_model("eva02_tiny_patch14_224")
        self.post_init()


with tempfile.TemporaryDirectory() as folder:
    Tower(TowerConfig()).save_pretrained(folder)
    loaded = Tower.from_pretrained(folder, torch_dtype=torch.bfloat16)
if "--remedy" in sys.argv:
    from harness.remedies import models

    models.cast_buffers(loaded, {}, None)
kept = [name for name, buffer in loaded.named_buffers() if buffer.dtype == torch.float32]
if kept:
    sys.exit(f"broken: {kept[0]} is float32")
