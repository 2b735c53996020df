"""TimmWrapper of transformers 5.0 to 5.4 does not cast float32 pixels to the model's bfloat16."""

import sys

import torch
from transformers import AutoModel, TimmWrapperConfig

BROKEN = "transformers==5.1.0 timm==1.0.24"
HEALTHY = "transformers==5.23.0 timm==1.0.31"
URL = "https://github.com/huggingface/transformers/issues/45072"

model = AutoModel.from_config(TimmWrapperConfig(architecture="resnet18")).to(torch.bfloat16).eval()
try:
    model(torch.zeros(1, 3, 64, 64))
except RuntimeError as error:
    sys.exit(f"broken: {error}".splitlines()[0])
