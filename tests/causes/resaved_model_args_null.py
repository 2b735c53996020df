"""transformers saves a timm checkpoint with `"model_args": null`, which timm 1.0.31 does not read.

Run it with timm 1.0.16 or later, which knows `local-dir:`. No report was found.
"""

import json
import sys
import tempfile
from pathlib import Path

import timm
from safetensors.torch import save_file
from transformers import AutoModelForImageClassification

BROKEN = "transformers==5.23.0 timm==1.0.31"
HEALTHY = "transformers==5.12.1 timm==1.0.27"
URL = None
REMEDY = "drop_empty_model_args"

model = timm.create_model("resnet18", num_classes=10)
config = {"architecture": "resnet18", "num_classes": 10, "pretrained_cfg": {"architecture": "resnet18"}}
with tempfile.TemporaryDirectory() as folder:
    save_file(model.state_dict(), Path(folder) / "model.safetensors", metadata={"format": "pt"})
    (Path(folder) / "config.json").write_text(json.dumps(config))
    AutoModelForImageClassification.from_pretrained(folder).save_pretrained(Path(folder) / "saved")
    if "--remedy" in sys.argv:
        from harness.remedies import folders

        folders.drop_empty_model_args(Path(folder) / "saved")
    try:
        timm.create_model(f"local-dir:{folder}/saved", pretrained=True)
    except AttributeError as error:
        sys.exit(f"broken: {error}")
