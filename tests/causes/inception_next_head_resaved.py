"""An InceptionNeXt with a head, saved by transformers, is not loaded without one.

Without classes timm before 1.0.31 still makes the head's last layer, of no rows, which refuses the saved one.
The same for what was saved without a head and is loaded with one. No report was found.
"""

import json
import sys
import tempfile
from pathlib import Path

import timm
from timm.models import save_for_hf
from transformers import AutoModel, AutoModelForImageClassification

BROKEN = "transformers==4.57.6 timm==1.0.22"
HEALTHY = "transformers==5.23.0 timm==1.0.31"
URL = None
REMEDY = "move"

with tempfile.TemporaryDirectory() as folder:
    model = timm.create_model("inception_next_atto", num_classes=10)
    config = {"architecture": "inception_next_atto", "num_classes": 10, "pretrained_cfg": {"num_classes": 10}}
    save_for_hf(model, f"{folder}/timm", safe_serialization=True)
    Path(folder, "timm", "config.json").write_text(json.dumps(config))
    AutoModelForImageClassification.from_pretrained(f"{folder}/timm").save_pretrained(f"{folder}/again")
    try:
        AutoModel.from_pretrained(f"{folder}/again")
    except RuntimeError as error:
        sys.exit(f"broken: {str(error).splitlines()[0]}")
