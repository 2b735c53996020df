"""A TimmWrapper built from its configuration is saved by late transformers 5 with `timm_model.` before every name.

5.1.0 does not have it, 5.12.1 does. No report was found.
"""

import sys
import tempfile
from pathlib import Path

from safetensors import safe_open
from transformers import AutoModelForImageClassification, TimmWrapperConfig

BROKEN = "transformers==5.23.0 timm==1.0.31"
HEALTHY = "transformers==4.57.6 timm==1.0.31"
URL = None
REMEDY = "take_timm_model_prefix_off"

model = AutoModelForImageClassification.from_config(TimmWrapperConfig(architecture="resnet18", num_labels=10))
with tempfile.TemporaryDirectory() as folder:
    model.save_pretrained(folder)
    if "--remedy" in sys.argv:
        from harness.remedies import folders

        folders.take_timm_model_prefix_off(Path(folder))
    with safe_open(Path(folder) / "model.safetensors", framework="pt") as checkpoint:
        prefixed = [name for name in checkpoint.keys() if name.startswith("timm_model.")]  # noqa: SIM118
if prefixed:
    sys.exit(f"broken: timm does not know {prefixed[0]}")
