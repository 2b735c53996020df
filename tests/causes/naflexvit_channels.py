"""NaFlexViT's pretrained patch embedding is not adapted to another number of channels: timm alone drops it or raises.

Its patch embedding is a linear layer, and timm adapts convolutions. transformers hands `num_channels` on. No report was
found, and no pair without it.
"""

import sys
import tempfile
from pathlib import Path

import timm
import torch
from safetensors.torch import save_file

BROKEN = "transformers==5.23.0 timm==1.0.31"
HEALTHY = None
URL = None
REMEDY = "none"
NAME = "naflexvit_base_patch16_gap"

model = timm.create_model(NAME)
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "model.safetensors"
    save_file(model.state_dict(), path)
    source = {"file": str(path), "custom_load": False}
    try:
        one, other = (
            timm.create_model(NAME, pretrained=True, in_chans=1, pretrained_cfg_overlay=source).state_dict()
            for _ in range(2)
        )
    except ValueError as error:
        sys.exit(f"broken: {error}")
lost = [name for name, tensor in one.items() if not torch.equal(tensor, other[name])]
if lost:
    sys.exit(f"broken: {', '.join(lost)} of two models loaded from one file differ")
