"""GCViT mixes up the pictures of a batch: timm before 1.0.31 gives a window the global query of another picture.

No report was found. A batch of one picture is right.
"""

import sys

import timm
import torch

BROKEN = "transformers==5.12.1 timm==1.0.27"
HEALTHY = "transformers==5.23.0 timm==1.0.31"
URL = None
REMEDY = "none"

model = timm.create_model("gcvit_xxtiny", num_classes=0).eval()
pictures = torch.stack([torch.zeros(3, 224, 224), torch.linspace(-2, 2, 3 * 224 * 224).view(3, 224, 224)])
with torch.no_grad():
    together = model.forward_features(pictures)
    alone = torch.cat([model.forward_features(picture[None]) for picture in pictures])
if (together - alone).abs().max() > 1e-3 * alone.abs().max():
    sys.exit("broken: two pictures in a batch have other features than each alone")
