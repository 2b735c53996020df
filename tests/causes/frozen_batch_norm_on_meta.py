"""freeze_batch_norm_2d cannot replace batch norms on the meta device, so that such a TimmBackbone does not load.

Late transformers 4 builds parameters on the meta device and buffers on the CPU, and timm then cannot replace the norms.
No report was found.
"""

import sys
import tempfile

from transformers import PretrainedConfig, PreTrainedModel, TimmBackbone, TimmBackboneConfig

BROKEN = "transformers==4.57.6 timm==1.0.22"
HEALTHY = "transformers==4.49.0 timm==1.0.15"
URL = None


class SegmenterConfig(PretrainedConfig):
    model_type = "segmenter"


class Segmenter(PreTrainedModel):
    config_class = SegmenterConfig

    def __init__(self, config: SegmenterConfig) -> None:
        super().__init__(config)
        self.backbone = TimmBackbone(
            TimmBackboneConfig(backbone="resnet18", use_pretrained_backbone=False, freeze_batch_norm_2d=True)
        )
        self.post_init()


with tempfile.TemporaryDirectory() as folder:
    Segmenter(SegmenterConfig()).save_pretrained(folder)
    try:
        Segmenter.from_pretrained(folder)
    except RuntimeError as error:
        sys.exit(f"broken: {error}".splitlines()[0])
