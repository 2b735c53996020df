"""Mixed rotary embeddings come back with their grid on the meta device: transformers 4 with timm before 1.0.23.

Run it with timm 1.0.20 or later: exit code 1 and the buffer's name where it is broken, 0 where it is not.
"""

import sys
import tempfile

import timm
from transformers import PretrainedConfig, PreTrainedModel


class TowerConfig(PretrainedConfig):
    model_type = "tower"


class Tower(PreTrainedModel):
    config_class = TowerConfig

    def __init__(self, config: TowerConfig) -> None:
        super().__init__(config)
        self.vision = timm.create_model("vit_small_patch16_rope_mixed_224", depth=1)
        self.post_init()


with tempfile.TemporaryDirectory() as folder:
    Tower(TowerConfig()).save_pretrained(folder)
    loaded = Tower.from_pretrained(folder)
lost = [name for name, buffer in loaded.named_buffers() if buffer.is_meta]
if lost:
    sys.exit(f"broken: {lost[0]} is on the meta device")
