"""timm reads `training_args.bin`, which a Trainer writes beside the weights, instead of `model.safetensors`.

timm 1.0.16 to 1.0.28 take the first file that ends in `.bin` though the weights are there. No report was found.
"""

import json
import sys
import tempfile
from pathlib import Path

import timm
import torch
from safetensors.torch import save_file

BROKEN = "transformers==5.12.1 timm==1.0.27"
HEALTHY = "transformers==5.23.0 timm==1.0.31"
URL = None
REMEDY = "set_training_arguments_aside"

model = timm.create_model("resnet18", num_classes=10)
config = {"architecture": "resnet18", "num_classes": 10, "pretrained_cfg": {"num_classes": 10}}
with tempfile.TemporaryDirectory() as folder:
    save_file(model.state_dict(), Path(folder) / "model.safetensors")
    (Path(folder) / "config.json").write_text(json.dumps(config))
    torch.save({"learning_rate": torch.ones(())}, Path(folder) / "training_args.bin")
    if "--remedy" in sys.argv:
        from harness.remedies import folders

        folders.set_training_arguments_aside(Path(folder))
    try:
        timm.create_model(f"local-dir:{folder}", pretrained=True)
    except RuntimeError as error:
        sys.exit(f"broken: {error}")
