"""TimmWrapper relies on init_non_persistent_buffers, which timm before 1.0.23 lacks: buffers stay uninitialised."""

import json
import sys
import tempfile
from pathlib import Path

import timm
import torch
from safetensors.torch import save_file
from transformers import AutoModel

BROKEN = "transformers==5.23.0 timm==1.0.22"
HEALTHY = "transformers==5.23.0 timm==1.0.31"
URL = "https://github.com/huggingface/transformers/issues/43124"
REMEDY = "fill_non_persistent_buffers"

ARCHITECTURE = "vit_relpos_small_patch16_224"

torch.use_deterministic_algorithms(
    mode=True, warn_only=True
)  # memory that nobody writes then shows: the largest integer
model = timm.create_model(ARCHITECTURE)
config = {"architecture": ARCHITECTURE, "num_classes": 1000, "pretrained_cfg": {"architecture": ARCHITECTURE}}
with tempfile.TemporaryDirectory() as folder:
    save_file(model.state_dict(), Path(folder) / "model.safetensors", metadata={"format": "pt"})
    (Path(folder) / "config.json").write_text(json.dumps(config))
    loaded = AutoModel.from_pretrained(folder)
    if "--remedy" in sys.argv:
        from harness.remedies import models

        models.fill_non_persistent_buffers(loaded, {}, Path(folder))
found = dict(loaded.timm_model.named_buffers())
for name, buffer in model.named_buffers():
    if not buffer.equal(found[name]):
        sys.exit(f"broken: {name} was {buffer.flatten()[0]} and is {found[name].flatten()[0]}")
