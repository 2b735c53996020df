"""transformers 5.0 and 5.1 save every LayerNorm of BERT's as gamma and beta, though it was loaded as weight and bias.

The rename for old checkpoints is turned round on saving, wherever the checkpoint came from. No report was found.
"""

import sys
import tempfile
from pathlib import Path

from safetensors import safe_open
from transformers import BertConfig, BertModel

BROKEN = "transformers==5.1.0 timm==1.0.24"
HEALTHY = "transformers==5.23.0 timm==1.0.31"
URL = None
REMEDY = "name_layer_norms_of_today"
TINY = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 16}

with tempfile.TemporaryDirectory() as folder:
    BertModel(BertConfig(vocab_size=8, **TINY)).save_pretrained(folder)
    BertModel.from_pretrained(folder).save_pretrained(folder)
    if "--remedy" in sys.argv:
        from harness.remedies import folders

        folders.name_layer_norms_of_today(Path(folder))
    with safe_open(Path(folder) / "model.safetensors", framework="pt") as file:
        old = [name for name in file.keys() if name.endswith(("gamma", "beta"))]  # noqa: SIM118  no mapping
if old:
    sys.exit(f"broken: saved as {old[0]}")
