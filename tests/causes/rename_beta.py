"""transformers before 4.49 renames every key that contains beta to bias when it loads: ResMLP's Affine is lost."""

import sys
import tempfile
from pathlib import Path

import timm
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel

BROKEN = "transformers==4.48.3 timm==1.0.14"
HEALTHY = "transformers==4.49.0 timm==1.0.15"
URL = "https://github.com/huggingface/transformers/issues/29554"
REMEDY = "load_by_exact_names"


class TowerConfig(PretrainedConfig):
    model_type = "tower"


class Tower(PreTrainedModel):
    config_class = TowerConfig

    def __init__(self, config: TowerConfig) -> None:
        super().__init__(config)
        self.vision = timm.create_model("resmlp_12_224")
        self.post_init()


saved = Tower(TowerConfig())
nn.init.ones_(saved.vision.blocks[0].norm1.beta)
with tempfile.TemporaryDirectory() as folder:
    saved.save_pretrained(folder)
    loaded = Tower.from_pretrained(folder)
    if "--remedy" in sys.argv:
        from harness.remedies import models

        models.load_by_exact_names(loaded, {}, Path(folder))
beta = loaded.vision.blocks[0].norm1.beta
if not beta.equal(saved.vision.blocks[0].norm1.beta):
    sys.exit(f"broken: beta was saved as 1 and is loaded as {beta[0, 0, 0]:.1e}")
