"""TimmBackbone.from_pretrained of transformers 5 resets the running statistics of pretrained batch norms.

A fix was merged, and the releases after it have it still. Run it with timm 1.0.16 or later, which knows `local-dir:`.
"""

import sys
import tempfile

import timm
from timm.models._hub import save_for_hf  # what push_to_hf_hub writes
from torch import nn
from transformers import TimmBackbone

BROKEN = "transformers==5.23.0 timm==1.0.31"
HEALTHY = "transformers==4.57.6 timm==1.0.31"
URL = "https://github.com/huggingface/transformers/pull/43520"
REMEDY = "copy_batch_norms_from_timm"

model = timm.create_model("resnet18")
nn.init.constant_(model.bn1.running_mean, 3)
with tempfile.TemporaryDirectory() as folder:
    save_for_hf(model, folder)
    backbone = TimmBackbone.from_pretrained(f"local-dir:{folder}")
    if "--remedy" in sys.argv:
        from harness.remedies import models

        models.copy_batch_norms_from_timm(backbone, {}, None)
mean = backbone.state_dict()["_backbone.bn1.running_mean"][0]
if mean != 3:
    sys.exit(f"broken: a running mean of 3 is loaded as {mean}")
