"""timm 1.0.31 writes num_classes into the model_args of config.json, and TimmWrapper hands it on beside its own.

No report was found.
"""

import sys
import tempfile
from pathlib import Path

import timm
from timm.models._hub import save_for_hf  # what push_to_hf_hub writes
from transformers import AutoModel

BROKEN = "transformers==5.23.0 timm==1.0.31"
HEALTHY = "transformers==5.12.1 timm==1.0.27"
URL = None
REMEDY = "drop_num_classes_from_model_args"

with tempfile.TemporaryDirectory() as folder:
    save_for_hf(timm.create_model("resnet18", num_classes=10), folder)
    if "--remedy" in sys.argv:
        from harness.remedies import folders

        folders.drop_num_classes_from_model_args(Path(folder))
    try:
        AutoModel.from_pretrained(folder)
    except TypeError as error:
        sys.exit(f"broken: {error}")
