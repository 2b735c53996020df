"""forward_intermediates of MobileNetV5 returns features of the last block: timm before 1.0.31 does not fuse scales.

No report was found. forward_features of the same model fuses them.
"""

import sys

import timm
import torch

BROKEN = "transformers==5.12.1 timm==1.0.27"
HEALTHY = "transformers==5.23.0 timm==1.0.31"
URL = None
REMEDY = "none"

model = timm.create_model("mobilenetv5_base", num_classes=0).eval()
pixels = torch.rand(1, 3, 64, 64)
with torch.no_grad():
    features, (last, _) = model.forward_features(pixels), model.forward_intermediates(pixels)
if features.shape != last.shape:
    sys.exit(f"broken: forward_intermediates gives features of {tuple(last.shape)}, not {tuple(features.shape)}")
