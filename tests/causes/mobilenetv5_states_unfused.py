"""Asked for hidden states, a TimmWrapperModel of MobileNetV5 gives another `last_hidden_state` than without them.

It takes all outputs from `forward_intermediates`, which omits the fusion of scales in timm before 1.0.31. No report was
found.
"""

import sys

import torch
from transformers import TimmWrapperConfig, TimmWrapperModel

BROKEN = "transformers==5.12.1 timm==1.0.27"
HEALTHY = "transformers==5.23.0 timm==1.0.31"
URL = None
REMEDY = "move"

model = TimmWrapperModel(TimmWrapperConfig(architecture="mobilenetv5_base", do_pooling=False)).eval()
pixels = torch.rand(1, 3, 64, 64)
with torch.no_grad():
    plain, with_states = model(pixels), model(pixels, output_hidden_states=True)
shapes = tuple(plain.last_hidden_state.shape), tuple(with_states.last_hidden_state.shape)
if shapes[0] != shapes[1]:
    sys.exit(f"broken: last_hidden_state is {shapes[1]} with hidden states, and {shapes[0]} without")
