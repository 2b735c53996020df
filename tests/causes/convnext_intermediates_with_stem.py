"""forward_intermediates of ConvNeXt and RDNet count the stem as a level: timm before 1.0.16 has one more than others.

No report was found.
"""

import sys

import timm
import torch

BROKEN = "transformers==4.49.0 timm==1.0.15"
HEALTHY = "transformers==4.57.6 timm==1.0.22"
URL = None
REMEDY = "none"

model = timm.create_model("test_convnext", num_classes=0).eval()
with torch.no_grad():
    levels = model.forward_intermediates(torch.rand(1, 3, 64, 64), intermediates_only=True)
if len(levels) != len(model.feature_info):
    sys.exit(f"broken: {len(levels)} levels, and feature_info has {len(model.feature_info)}")
