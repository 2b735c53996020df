"""The frozen batch norm that DETR puts in place of timm's BatchNormAct2d leaves out its activation.

No report was found, and no release without it; the same in another detector is in pytorch-image-models#1631.
"""

import sys

import torch
from transformers import DetrConfig, DetrForObjectDetection, TimmBackboneConfig

BROKEN = "transformers==5.23.0 timm==1.0.31"
HEALTHY = None
URL = None
REMEDY = "apply_activations_again"

backbone = TimmBackboneConfig(backbone="regnetx_002", out_indices=[1, 2, 3])
backbone.use_pretrained_backbone = False  # until 5.0 it asks for weights otherwise
until_5_0 = {"backbone": None, "use_timm_backbone": False, "use_pretrained_backbone": None}
config = DetrConfig(
    backbone_config=backbone, d_model=32, encoder_attention_heads=2, decoder_attention_heads=2, **until_5_0
)
detector = DetrForObjectDetection(config).eval()
if "--remedy" in sys.argv:
    from harness.remedies import calls

    calls.apply_activations_again(detector)
stem = next(module for name, module in detector.named_modules() if name.endswith(".stem"))
with torch.no_grad():
    smallest = stem(torch.rand(1, 3, 64, 64)).min()
if smallest < 0:
    sys.exit(f"broken: the stem ends with a ReLU, and its smallest output is {smallest:.2f}")
