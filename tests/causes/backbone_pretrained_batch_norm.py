"""TimmBackbone.from_pretrained of transformers 5 resets the running statistics of pretrained batch norms.

A fix was merged, and the releases after it have it still.
"""

import sys
import tempfile
from pathlib import Path

import timm
from safetensors.torch import save_file
from torch import nn
from transformers import TimmBackbone

BROKEN = "transformers==5.23.0 timm==1.0.31"
HEALTHY = "transformers==4.57.6 timm==1.0.31"
URL = "https://github.com/huggingface/transformers/pull/43520"

model = timm.create_model("resnet18")
nn.init.constant_(model.bn1.running_mean, 3)
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "model.safetensors"
    save_file(model.state_dict(), path)
    # What timm would fetch from the hub comes from a file.
    backbone = TimmBackbone.from_pretrained("resnet18", pretrained_cfg_overlay={"file": str(path)})
mean = backbone.state_dict()["_backbone.bn1.running_mean"][0]
if mean != 3:
    sys.exit(f"broken: a running mean of 3 is loaded as {mean}")
