"""timm before 1.0.21 says that huggingface_hub is not installed where it is 2.0, as transformers 5.18 may have it.

It imports names from it that are gone. No report was found.
"""

import sys
import tempfile

import timm
from timm.models._hub import save_for_hf

BROKEN = "transformers==5.23.0 timm==1.0.20"
HEALTHY = "transformers==5.23.0 timm==1.0.31"
URL = None
REMEDY = "move"

with tempfile.TemporaryDirectory() as folder:
    try:
        save_for_hf(timm.create_model("resnet18"), folder)
    except RuntimeError as error:
        sys.exit(f"broken: {error}")
