"""A BatchNorm1d in a head that the checkpoint lacks is left uninitialised by AutoModelForImageClassification.

TimmWrapper gives values to linear layers and to BatchNorm2d alone. No report was found.
"""

import json
import sys
import tempfile
from pathlib import Path

import timm
import torch
from safetensors.torch import save_file
from transformers import AutoModelForImageClassification

BROKEN = "transformers==5.0.0 timm==1.0.31"
HEALTHY = "transformers==5.24.0 timm==1.0.31"
URL = None
REMEDY = "set_missing_to_timm_defaults"

torch.use_deterministic_algorithms(mode=True, warn_only=True)  # memory that nobody writes then shows: NaN
model = timm.create_model("levit_128s")  # its heads are a BatchNorm1d and a linear layer
base = {name: tensor for name, tensor in model.state_dict().items() if not name.startswith("head")}
config = {"architecture": "levit_128s", "num_classes": 10, "pretrained_cfg": {"architecture": "levit_128s"}}
with tempfile.TemporaryDirectory() as folder:
    save_file(base, Path(folder) / "model.safetensors", metadata={"format": "pt"})
    (Path(folder) / "config.json").write_text(json.dumps(config))
    loaded, report = AutoModelForImageClassification.from_pretrained(folder, output_loading_info=True)
if "--remedy" in sys.argv:
    from harness.remedies import models

    models.set_missing_to_timm_defaults(loaded, report, None)
for name, tensor in loaded.timm_model.state_dict().items():
    if "head" in name and not tensor.isfinite().all():
        sys.exit(f"broken: {name} was set to {model.state_dict()[name].flatten()[0]} and is {tensor.flatten()[0]}")
