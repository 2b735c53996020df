"""Late transformers 4 builds parameters on the meta device, where mixed rotary embeddings of timm lose their grid.

timm before 1.0.23 leaves the grid there, later ones raise. Run it with timm 1.0.20 or later. No report was found.
"""

import sys
import tempfile

import timm
from transformers import PretrainedConfig, PreTrainedModel

BROKEN = "transformers==4.57.6 timm==1.0.22"
HEALTHY = "transformers==5.23.0 timm==1.0.31"
URL = None
REMEDY = "move"


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
    try:
        loaded = Tower.from_pretrained(folder)
    except NotImplementedError as error:
        sys.exit(f"broken: {error}")
lost = [name for name, buffer in loaded.named_buffers() if buffer.is_meta]
if lost:
    sys.exit(f"broken: {lost[0]} is on the meta device")
