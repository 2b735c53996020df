"""timm's MLP-Mixer without classes cannot be made with `features_only`, which is how TimmWrapper asks for it.

No report was found. timm alone shows it.
"""

import sys

import timm

BROKEN = "transformers==4.57.6 timm==1.0.22"
HEALTHY = "transformers==5.23.0 timm==1.0.31"
URL = None
REMEDY = "move"

try:
    timm.create_model("resmlp_12_224", num_classes=0, features_only=True, out_indices=[0, 1])
except AttributeError as error:
    sys.exit(f"broken: {error}")
