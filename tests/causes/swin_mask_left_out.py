"""Swin of timm 1.0.23 and 1.0.24 has no attention masks in a model of one's own that holds TimmWrapperModel.

transformers from 5.13 on passes over a module all of whose tensors are loaded, if the model's class is no class of
transformers; a block of that Swin has none until it makes its mask. No report was found.
"""

import sys
import tempfile

from transformers import AutoModel, PretrainedConfig, PreTrainedModel, TimmWrapperConfig

BROKEN = "transformers==5.16.1 timm==1.0.24"
HEALTHY = "transformers==5.12.1 timm==1.0.24"
URL = None
REMEDY = "fill_non_persistent_buffers"


class TowerConfig(PretrainedConfig):
    model_type = "tower"


class Tower(PreTrainedModel):
    config_class = TowerConfig

    def __init__(self, config: TowerConfig) -> None:
        super().__init__(config)
        self.vision = AutoModel.from_config(TimmWrapperConfig(architecture="swin_tiny_patch4_window7_224"))
        self.post_init()


saved = Tower(TowerConfig())
with tempfile.TemporaryDirectory() as folder:
    saved.save_pretrained(folder)
    loaded = Tower.from_pretrained(folder)
if "--remedy" in sys.argv:
    from harness.remedies import models

    models.fill_non_persistent_buffers(loaded, {}, None)
if lost := sorted(dict(saved.named_buffers()).keys() - dict(loaded.named_buffers()).keys()):
    sys.exit(f"broken: {lost[0]} is not there")
