"""In half precision the frozen batch norm that DETR puts in place of timm's rounds its scale and its shift first.

A BatchNorm2d computes in float32 and rounds once. No report was found, and no release without it.
"""

import sys

import timm
import torch
from torch import nn
from transformers.models.detr.modeling_detr import replace_batch_norm

BROKEN = "transformers==5.23.0 timm==1.0.31"
HEALTHY = None
URL = None
REMEDY = "none"

ROUNDED_ONCE = 1e-3  # of the largest value: two units of float16's last place

torch.manual_seed(0)
model = timm.create_model("resnet18").eval()
for module in model.modules():
    if isinstance(module, nn.BatchNorm2d):  # as training would leave it: the constructor's numbers are 0 and 1
        module.running_mean.normal_(std=0.1)
        module.running_var.uniform_(0.5, 1.5)
        nn.init.uniform_(module.weight, 0.5, 1.5)
        nn.init.normal_(module.bias, std=0.1)
image = torch.rand(1, 3, 64, 64).half()
with torch.no_grad():
    before = model.half().forward_intermediates(image, intermediates_only=True)
    replace_batch_norm(model)  # as DETR does with its backbone
    after = model.half().forward_intermediates(image, intermediates_only=True)
off = max(((want - got).abs().max() / want.abs().max()).item() for want, got in zip(before, after, strict=True))
if off > ROUNDED_ONCE:
    sys.exit(f"broken: a feature map is off by {off:.2g} of its largest value")
