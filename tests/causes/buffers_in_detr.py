"""A DETR of transformers 5 leaves the non-persistent buffers of its timm backbone uninitialised.

DETR takes the timm model out of the TimmBackbone, whose `_init_weights` would set them. The report is of such
buffers in any model.
"""

import sys
import tempfile

import torch
from transformers import DetrConfig, DetrForObjectDetection, TimmBackboneConfig

BROKEN = "transformers==5.23.0 timm==1.0.31"
HEALTHY = "transformers==4.57.6 timm==1.0.31"
URL = "https://github.com/huggingface/transformers/issues/48892"
REMEDY = "fill_non_persistent_buffers"

torch.use_deterministic_algorithms(
    mode=True, warn_only=True
)  # memory that nobody writes then shows: the largest integer
backbone = TimmBackboneConfig(backbone="gcvit_xxtiny", out_indices=[1, 2, 3])
backbone.use_pretrained_backbone = False  # until 5.0 it asks for weights otherwise
until_5_0 = {"backbone": None, "use_timm_backbone": False, "use_pretrained_backbone": None}
config = DetrConfig(
    backbone_config=backbone, d_model=32, encoder_attention_heads=2, decoder_attention_heads=2, **until_5_0
)
saved = DetrForObjectDetection(config)
with tempfile.TemporaryDirectory() as folder:
    saved.save_pretrained(folder)
    loaded = DetrForObjectDetection.from_pretrained(folder)
if "--remedy" in sys.argv:
    from harness.remedies import models

    models.fill_non_persistent_buffers(loaded, {}, None)
buffers = dict(loaded.named_buffers())
for name, buffer in saved.named_buffers():
    if not buffer.equal(buffers[name]):
        sys.exit(f"broken: {name} was {buffer.flatten()[0]} and is {buffers[name].flatten()[0]}")
