"""A Gemma3n that transformers 4 loads in half precision has audio timescales computed in it, off in the third digit.

Built under the default dtype that was asked for, instead of in float32 and cast. No report was found.
"""

import sys
import tempfile
from pathlib import Path

import torch
from transformers import Gemma3nAudioConfig, Gemma3nAudioEncoder

BROKEN = "transformers==4.57.6 timm==1.0.22"
HEALTHY = "transformers==5.23.0 timm==1.0.31"
URL = None
REMEDY = "set_gemma3n_audio_buffers"

NAME = "conformer.0.attention.attn.relative_position_embedding.inv_timescales"

config = Gemma3nAudioConfig(
    hidden_size=32,
    input_feat_size=16,
    conf_num_attention_heads=2,
    conf_num_hidden_layers=1,
    sscp_conv_channel_size=(4, 4),
)
saved = Gemma3nAudioEncoder(config)
with tempfile.TemporaryDirectory() as folder:
    saved.save_pretrained(folder)
    loaded = Gemma3nAudioEncoder.from_pretrained(folder, torch_dtype=torch.bfloat16)
    if "--remedy" in sys.argv:
        from harness.remedies import models

        models.set_gemma3n_audio_buffers(loaded, {}, Path(folder))
want, got = dict(saved.named_buffers())[NAME], dict(loaded.named_buffers())[NAME]
off = (want.to(got.dtype) - got).abs().max().item()
if off:
    sys.exit(f"broken: inv_timescales is {got.dtype} and off by up to {off:.2g}")
