"""Hiera with windowed positions cannot run in bfloat16 on a CPU: torch resizes the positions in float32 and up alone.

No report was found, and no release without it.
"""

import sys

import timm
import torch

BROKEN = "transformers==5.23.0 timm==1.0.31"
HEALTHY = None
URL = None
REMEDY = "none"

model = timm.create_model("hiera_small_abswin_256").eval().bfloat16()
try:
    with torch.no_grad():
        model(torch.zeros(1, 3, 256, 256, dtype=torch.bfloat16))
except NotImplementedError as error:
    sys.exit(f"broken: {error}")
