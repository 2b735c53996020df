"""TimmWrapper of transformers 5.4 and later computes rotary tables by a method of timm that takes no device there.

timm 1.0.21 takes one. No report was found.
"""

import json
import sys
import tempfile
from pathlib import Path

import timm
from safetensors.torch import save_file
from transformers import AutoModel

BROKEN = "transformers==5.23.0 timm==1.0.20"
HEALTHY = "transformers==5.23.0 timm==1.0.31"
URL = None
REMEDY = "move"
NAME = "eva02_tiny_patch14_224"

config = {"architecture": NAME, "num_classes": 1000, "pretrained_cfg": {"architecture": NAME}}
with tempfile.TemporaryDirectory() as folder:
    save_file(timm.create_model(NAME).state_dict(), Path(folder) / "model.safetensors", metadata={"format": "pt"})
    (Path(folder) / "config.json").write_text(json.dumps(config))
    try:
        AutoModel.from_pretrained(folder)
    except TypeError as error:
        sys.exit(f"broken: {error}")
