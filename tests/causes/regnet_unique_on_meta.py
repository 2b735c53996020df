"""transformers 5 builds on the meta device, where RegNet of timm before 1.0.30 calls torch.unique."""

import sys
import tempfile

import timm
from transformers import PretrainedConfig, PreTrainedModel

BROKEN = "transformers==5.12.1 timm==1.0.27"
HEALTHY = "transformers==5.23.0 timm==1.0.31"
URL = "https://github.com/huggingface/transformers/issues/43957"
REMEDY = "move"


class TowerConfig(PretrainedConfig):
    model_type = "tower"


class Tower(PreTrainedModel):
    config_class = TowerConfig

    def __init__(self, config: TowerConfig) -> None:
        super().__init__(config)
        self.vision = timm.create_model("regnetx_002")
        self.post_init()


with tempfile.TemporaryDirectory() as folder:
    Tower(TowerConfig()).save_pretrained(folder)
    try:
        Tower.from_pretrained(folder)
    except (NotImplementedError, RuntimeError) as error:
        sys.exit(f"broken: {error}".splitlines()[0])
