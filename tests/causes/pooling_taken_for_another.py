"""BEiT takes global_pool="max" for the class token: timm before 1.0.31 accepts poolings that a model does not have.

No report was found. EfficientFormer and MLP-Mixer do not pool then. 1.0.31 refuses it.
"""

import sys

import timm

BROKEN = "transformers==5.12.1 timm==1.0.27"
HEALTHY = "transformers==5.23.0 timm==1.0.31"
URL = None
REMEDY = "none"

try:
    timm.create_model("beit_base_patch16_224", num_classes=10, global_pool="max")
except AssertionError:
    sys.exit(0)
sys.exit("broken: a BEiT is made with max pooling, which it does not have")
