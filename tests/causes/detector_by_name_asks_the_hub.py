"""A detector that is given timm's name for its backbone asks the hub for a repository of that name, and fails offline.

So does transformers 5.1 and later, with `use_timm_backbone` too; by a TimmBackboneConfig it does not. No report was
found.
"""

import sys

from transformers import UperNetConfig

BROKEN = "transformers==5.23.0 timm==1.0.31"
HEALTHY = "transformers==5.0.0 timm==1.0.24"
URL = None
REMEDY = "none"

levels = {"backbone_kwargs": {"out_indices": [1, 2, 3, 4]}}
try:
    UperNetConfig(backbone="resnet18", use_timm_backbone=True, use_pretrained_backbone=False, **levels)
except OSError as error:  # which is what every exception of a hub that cannot be reached is
    sys.exit(f"broken: {type(error).__name__}: {error}")
