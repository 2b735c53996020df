"""transformers 5 leaves timm's non-persistent buffers uninitialised in a model of one's own that holds one.

A model whose `_init_weights` calls timm's init_non_persistent_buffers (timm 1.0.23 or later) does not have it.
"""

import sys
import tempfile

import timm
import torch
from transformers import PretrainedConfig, PreTrainedModel

BROKEN = "transformers==5.23.0 timm==1.0.31"
HEALTHY = "transformers==4.49.0 timm==1.0.15"
URL = "https://github.com/huggingface/transformers/issues/48892"
REMEDY = "fill_non_persistent_buffers"


class TowerConfig(PretrainedConfig):
    model_type = "tower"


class Tower(PreTrainedModel):
    config_class = TowerConfig

    def __init__(self, config: TowerConfig) -> None:
        super().__init__(config)
        self.vision = timm.create_model("vit_relpos_small_patch16_224")
        self.post_init()


torch.use_deterministic_algorithms(
    mode=True, warn_only=True
)  # memory that nobody writes then shows: the largest integer
saved = Tower(TowerConfig())
with tempfile.TemporaryDirectory() as folder:
    saved.save_pretrained(folder)
    loaded = Tower.from_pretrained(folder)
if "--remedy" in sys.argv:
    from harness.remedies import models

    models.fill_non_persistent_buffers(loaded, {}, None)
buffers = dict(loaded.named_buffers())
for name, buffer in saved.named_buffers():
    if not buffer.equal(buffers[name]):
        sys.exit(f"broken: {name} was {buffer.flatten()[0]} and is {buffers[name].flatten()[0]}")
