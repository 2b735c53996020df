"""A TimmWrapper built from its configuration is saved without a pretrained_cfg, and timm does not read such a folder.

Run it with timm 1.0.16 or later, which knows `local-dir:`. Before timm 1.0.31 a pretrained_cfg in the
configuration cures it. No report was found, and no release without it.
"""

import sys
import tempfile
from pathlib import Path

import timm
from transformers import AutoModelForImageClassification, TimmWrapperConfig

BROKEN = "transformers==4.57.6 timm==1.0.22"
HEALTHY = None
URL = None
REMEDY = "describe_for_timm"

model = AutoModelForImageClassification.from_config(TimmWrapperConfig(architecture="resnet18", num_labels=10))
with tempfile.TemporaryDirectory() as folder:
    model.save_pretrained(folder)
    if "--remedy" in sys.argv:
        from harness.remedies import folders

        folders.describe_for_timm(Path(folder))
    try:
        timm.create_model(f"local-dir:{folder}", pretrained=True)
    except TypeError as error:
        sys.exit(f"broken: {error}")
