"""A DETR freezes the first layers of its ResNet as it is built; loaded, all of them are trained.

transformers 5.0 puts new parameters in place of the frozen ones. No report was found.
"""

import sys
import tempfile

from transformers import DetrConfig, DetrForObjectDetection

BROKEN = "transformers==5.0.0 timm==1.0.24"
HEALTHY = "transformers==4.57.6 timm==1.0.22"
URL = None
REMEDY = "freeze_as_built"

backbone = {"backbone": "resnet18", "use_timm_backbone": True, "use_pretrained_backbone": False}
levels = {"backbone_kwargs": {"out_indices": [1, 2, 3, 4]}}
small = {"d_model": 32, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
built = DetrForObjectDetection(DetrConfig(**small, **backbone, **levels))
with tempfile.TemporaryDirectory() as folder:
    built.save_pretrained(folder)
    loaded = DetrForObjectDetection.from_pretrained(folder)
if "--remedy" in sys.argv:
    from harness.remedies import models

    models.freeze_as_built(loaded, {}, None)
frozen, now = (
    {name for name, parameter in model.named_parameters() if not parameter.requires_grad} for model in (built, loaded)
)
if lost := frozen - now:
    sys.exit(f"broken: {len(lost)} frozen parameters are trained after loading, {min(lost)} is one")
