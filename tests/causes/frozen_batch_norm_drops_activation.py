"""The frozen batch norm that DETR puts in place of timm's BatchNormAct2d leaves out its activation.

No report was found, and no release without it; the same in another detector is in pytorch-image-models#1631.
"""

import sys

import timm
import torch
from transformers.models.detr.modeling_detr import replace_batch_norm

BROKEN = "transformers==5.23.0 timm==1.0.31"
HEALTHY = None
URL = None

torch.manual_seed(0)
image = torch.rand(1, 3, 64, 64)
model = timm.create_model("regnetx_002").eval()
with torch.no_grad():
    before = model.stem(image)
    replace_batch_norm(model)  # as DETR does with its backbone
    after = model.stem(image)
if not after.allclose(before, rtol=1e-3, atol=1e-5):
    sys.exit(f"broken: the stem's smallest output is {after.min():.2f}, and was {before.min():.2f}")
