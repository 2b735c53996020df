"""A PoolFormer ignores drop_rate: timm before 1.0.31 puts no dropout before a linear head of a MetaFormer.

No report was found.
"""

import sys

import timm
import torch

BROKEN = "transformers==5.12.1 timm==1.0.27"
HEALTHY = "transformers==5.23.0 timm==1.0.31"
URL = None
REMEDY = "none"

model = timm.create_model("poolformer_s12", num_classes=10, drop_rate=0.9).train()
pixels = torch.rand(1, 3, 64, 64)
with torch.no_grad():
    first, second = model(pixels), model(pixels)
if torch.equal(first, second):
    sys.exit("broken: with drop_rate=0.9 two passes in training mode are equal")
