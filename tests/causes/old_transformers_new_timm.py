"""timm 1.0.24 leaves non-persistent buffers to a later call, which late transformers 4 does not make.

Models of one's own and TimmBackbone have it too.
"""

import json
import sys
import tempfile
from pathlib import Path

import timm
import torch
from safetensors.torch import save_file
from transformers import AutoModel

BROKEN = "transformers==4.57.6 timm==1.0.24"
HEALTHY = "transformers==4.57.6 timm==1.0.22"
URL = "https://github.com/huggingface/pytorch-image-models/issues/2661"
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
    loaded = AutoModel.from_pretrained(folder).timm_model
if "--remedy" in sys.argv:
    from harness.remedies import models

    models.fill_non_persistent_buffers(loaded, {}, None)
buffers = dict(loaded.named_buffers())
for name, buffer in model.named_buffers():
    if not buffer.equal(buffers[name]):
        sys.exit(f"broken: {name} was {buffer.flatten()[0]} and is {buffers[name].flatten()[0]}")
