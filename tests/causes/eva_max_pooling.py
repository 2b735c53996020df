"""EVA takes global_pool="max" for the class token: timm before 1.0.16 has the mean alone.

No report was found.
"""

import sys

import timm
import torch

BROKEN = "transformers==4.49.0 timm==1.0.15"
HEALTHY = "transformers==4.57.6 timm==1.0.22"
URL = None
REMEDY = "none"

model = timm.create_model("eva02_tiny_patch14_224", num_classes=0, global_pool="max", img_size=56).eval()
with torch.no_grad():
    features = model.forward_features(torch.rand(1, 3, 56, 56))
    pooled = model.forward_head(features)
if torch.equal(pooled, features[:, 0]):
    sys.exit("broken: max pooling returns the class token")
