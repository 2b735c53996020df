"""timm before 1.0.13 checkpoints gradients in torch's reentrant way, which takes no torch.autograd.grad.

Nor does it take arguments by name, as EVA's blocks get their rotary tables. Later releases choose the other way. No
report was found.
"""

import sys

import timm
import torch

BROKEN = "transformers==4.57.6 timm==1.0.12"
HEALTHY = "transformers==4.57.6 timm==1.0.13"
URL = None
REMEDY = "move"

for name in ("resnet18", "eva02_tiny_patch14_224"):
    model = timm.create_model(name).train()
    model.set_grad_checkpointing()
    side = model.default_cfg["input_size"][1]
    try:
        torch.autograd.grad(model(torch.randn(2, 3, side, side)).mean(), list(model.parameters()), allow_unused=True)
    except (RuntimeError, ValueError) as error:
        sys.exit(f"broken: {name}: {error}")
