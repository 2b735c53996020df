"""A Gemma3n of late transformers 5 in float16 comes back with its audio clipped at 65504, where nothing clipped it.

The configured 1e10 is infinite in float16, and loading takes the largest finite number instead. No report was found.
"""

import sys
import tempfile

import torch
from transformers import Gemma3nAudioConfig, Gemma3nAudioEncoder

BROKEN = "transformers==5.23.0 timm==1.0.31"
HEALTHY = "transformers==5.12.1 timm==1.0.27"
URL = None
REMEDY = "none"

NAME = "conformer.0.gradient_clipping"

config = Gemma3nAudioConfig(
    hidden_size=32,
    input_feat_size=16,
    conf_num_attention_heads=2,
    conf_num_hidden_layers=1,
    sscp_conv_channel_size=(4, 4),
)
saved = Gemma3nAudioEncoder(config).half()
with tempfile.TemporaryDirectory() as folder:
    saved.save_pretrained(folder)
    loaded = Gemma3nAudioEncoder.from_pretrained(folder, dtype=torch.float16)
want, got = (dict(model.named_buffers())[NAME].item() for model in (saved, loaded))
if got != want:
    sys.exit(f"broken: gradient_clipping was {want} and is {got}")
