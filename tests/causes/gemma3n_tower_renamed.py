"""transformers 5.4 and 5.5 write the towers of a Gemma3n as if they were parts of the language model.

They read them under these names. Releases before and after lack 155 weights of this one then: they are new and random.
The report is of Qwen3.5, whose visual encoder goes the same way.
"""

import json
import sys
import tempfile
from pathlib import Path

from transformers import (
    Gemma3nAudioConfig,
    Gemma3nConfig,
    Gemma3nForConditionalGeneration,
    Gemma3nTextConfig,
    Gemma3nVisionConfig,
)

BROKEN = "transformers==5.5.4 timm==1.0.27"
HEALTHY = "transformers==5.23.0 timm==1.0.31"
URL = "https://github.com/huggingface/transformers/issues/45357"
REMEDY = "move"

text = Gemma3nTextConfig(
    vocab_size=48,
    vocab_size_per_layer_input=32,
    hidden_size=16,
    hidden_size_per_layer_input=8,
    intermediate_size=32,
    num_hidden_layers=1,
    num_attention_heads=2,
    num_key_value_heads=1,
    num_kv_shared_layers=0,
    head_dim=16,
    laurel_rank=4,
    layer_types=["full_attention"],
    altup_num_inputs=2,
    activation_sparsity_pattern=[0.0],
)
vision = Gemma3nVisionConfig(architecture="resnet18", hidden_size=512, vocab_size=8, vocab_offset=32)
audio = Gemma3nAudioConfig(
    hidden_size=32,
    vocab_size=8,
    vocab_offset=40,
    input_feat_size=16,
    conf_num_attention_heads=2,
    conf_num_hidden_layers=1,
    sscp_conv_channel_size=(4, 4),
)
model = Gemma3nForConditionalGeneration(Gemma3nConfig(text_config=text, vision_config=vision, audio_config=audio))
held = "model.vision_tower.timm_model.conv1.weight"
assert held in model.state_dict()
with tempfile.TemporaryDirectory() as folder:
    model.save_pretrained(folder)
    with Path(folder, "model.safetensors").open("rb") as file:
        names = json.loads(file.read(int.from_bytes(file.read(8), "little")))
if held not in names:
    written = next(name for name in names if name.endswith("conv1.weight") and "vision" in name)
    sys.exit(f"broken: {held} is saved as {written}")
