"""An InceptionNeXt without classes pools to an empty tensor: timm before 1.0.31 gives it a layer of no outputs.

No report was found.
"""

import sys

import timm
import torch

BROKEN = "transformers==5.12.1 timm==1.0.27"
HEALTHY = "transformers==5.23.0 timm==1.0.31"
URL = None
REMEDY = "none"

model = timm.create_model("inception_next_atto", num_classes=0).eval()
with torch.no_grad():
    pooled = model(torch.rand(1, 3, 64, 64))
if not pooled.numel():
    sys.exit(f"broken: pooled features have shape {tuple(pooled.shape)}")
