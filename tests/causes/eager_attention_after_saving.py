"""The configuration of a model with SDPA, saved by itself, says that attention was chosen, but not which.

`from_pretrained` then leaves the default, eager attention: other memory, another speed, and outputs that differ by
rounding. `model.save_pretrained` takes the mark `_attn_implementation_autoset` out; `model.config.save_pretrained` does
not. No report was found.
"""

import sys
import tempfile
from pathlib import Path

from safetensors.torch import save_file
from transformers import BertConfig, BertModel

BROKEN = "transformers==4.49.0 timm==1.0.15"
HEALTHY = "transformers==4.57.6 timm==1.0.22"
URL = None
REMEDY = "forget_that_attention_was_chosen"

SMALL = {"vocab_size": 16, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
with tempfile.TemporaryDirectory() as folder:
    model = BertModel(BertConfig(**SMALL))
    model.config.save_pretrained(folder)
    save_file(model.state_dict(), Path(folder) / "model.safetensors", metadata={"format": "pt"})
    if "--remedy" in sys.argv:
        from harness.remedies import folders

        folders.forget_that_attention_was_chosen(Path(folder))
    loaded = BertModel.from_pretrained(folder)
was, now = (each.config._attn_implementation for each in (model, loaded))
if now != was:
    sys.exit(f"broken: the model had {was} attention, and has {now} attention as it was loaded")
