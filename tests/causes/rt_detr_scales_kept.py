"""RT-DETR v2, loaded in half precision, keeps a buffer of each decoder layer in float32: the scale of its points.

So does D-FINE. It is in the checkpoint, and transformers casts what it loads into parameters alone. No report was
found, and no release without it.
"""

import sys
import tempfile

import torch
from transformers import RTDetrV2Config, RTDetrV2ForObjectDetection, TimmBackboneConfig

BROKEN = "transformers==5.23.0 timm==1.0.31"
HEALTHY = None
URL = None
REMEDY = "cast_buffers"

backbone = TimmBackboneConfig(backbone="resnet18", out_indices=[2, 3, 4], use_pretrained_backbone=False)
levels = {"encoder_in_channels": [128, 256, 512], "feat_strides": [8, 16, 32], "num_denoising": 0}
config = RTDetrV2Config(
    backbone_config=backbone, backbone=None, use_timm_backbone=False, encoder_layers=1, decoder_layers=2, **levels
)
with tempfile.TemporaryDirectory() as folder:
    RTDetrV2ForObjectDetection(config).save_pretrained(folder)
    loaded = RTDetrV2ForObjectDetection.from_pretrained(folder, torch_dtype=torch.bfloat16)
if "--remedy" in sys.argv:
    from harness.remedies import models

    models.cast_buffers(loaded, {}, None)
if kept := [name for name, buffer in loaded.named_buffers() if buffer.dtype == torch.float32]:
    sys.exit(f"broken: {len(kept)} buffers are float32, {kept[0]} is one")
