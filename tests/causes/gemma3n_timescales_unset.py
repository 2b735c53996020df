"""Gemma3n loaded by transformers 5.0 and 5.1 has its audio timescales uninitialised.

They are a non-persistent buffer that nothing sets again after building on the meta device. No report was found.
"""

import sys
import tempfile

from transformers import Gemma3nAudioConfig, Gemma3nAudioEncoder

BROKEN = "transformers==5.0.0 timm==1.0.24"
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
    loaded = Gemma3nAudioEncoder.from_pretrained(folder)
if "--remedy" in sys.argv:
    from harness.remedies import models

    models.set_gemma3n_audio_buffers(loaded, {}, None)
want, got = dict(saved.named_buffers())[NAME], dict(loaded.named_buffers())[NAME]
off = (want - got).abs().max().item()
if not off < 1e-6:
    sys.exit(f"broken: inv_timescales is off by up to {off:.2g}")
