"""TimmWrapper of transformers 5.0 to 5.4 does not cast float32 pixels to the model's bfloat16."""

import sys

import torch
from transformers import AutoModel, TimmWrapperConfig

BROKEN = "transformers==5.1.0 timm==1.0.24"
HEALTHY = "transformers==5.23.0 timm==1.0.31"
URL = "https://github.com/huggingface/transformers/pull/45074"
REMEDY = "cast_pixels"

model = AutoModel.from_config(TimmWrapperConfig(architecture="resnet18")).to(torch.bfloat16).eval()
if "--remedy" in sys.argv:
    from harness.remedies import calls

    calls.cast_pixels(model)
try:
    model(torch.zeros(1, 3, 64, 64))
except RuntimeError as error:
    sys.exit(f"broken: {error}".splitlines()[0])
