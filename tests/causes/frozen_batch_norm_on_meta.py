"""freeze_batch_norm_2d cannot replace batch norms on the meta device, so that such a TimmBackbone does not load.

Late transformers 4 builds parameters on the meta device and buffers on the CPU, and timm then cannot replace the norms.
No report was found.
"""

import sys
import tempfile
from pathlib import Path

from transformers import PreTrainedModel, TimmBackbone, TimmBackboneConfig

BROKEN = "transformers==4.57.6 timm==1.0.22"
HEALTHY = "transformers==4.49.0 timm==1.0.15"
URL = None
REMEDY = "freeze_batch_norms_after_loading"


class Segmenter(PreTrainedModel):
    config_class = TimmBackboneConfig

    def __init__(self, config: TimmBackboneConfig) -> None:
        super().__init__(config)
        self.backbone = TimmBackbone(config)
        self.post_init()


config = TimmBackboneConfig(backbone="resnet18", use_pretrained_backbone=False, freeze_batch_norm_2d=True)
with tempfile.TemporaryDirectory() as folder:
    Segmenter(config).save_pretrained(folder)
    if "--remedy" in sys.argv:
        from harness.remedies import folders

        folders.freeze_batch_norms_after_loading(Path(folder))
    try:
        loaded = Segmenter.from_pretrained(folder)
    except RuntimeError as error:
        sys.exit(f"broken: {error}".splitlines()[0])
if "--remedy" in sys.argv:
    from harness.remedies import models

    models.freeze_batch_norms_after_loading(loaded, {}, None)
if not any("Frozen" in type(module).__name__ for module in loaded.modules()):
    sys.exit("broken: no batch norm is frozen")
