"""TimmBackbone cannot give a ConvNeXt's hidden states: it asks timm for `stages.0`, which is `stages_0` there.

So timm gives none. ResNet works: its layers are called alike in both. No report was found, and no release without it.
"""

import sys

import torch
from transformers import TimmBackbone, TimmBackboneConfig

BROKEN = "transformers==5.23.0 timm==1.0.31"
HEALTHY = None
URL = None
REMEDY = "collect_all_levels"

config = TimmBackboneConfig(backbone="convnext_atto", out_indices=[1, 3])
config.use_pretrained_backbone = False  # until 5.0 it asks for weights otherwise
backbone = TimmBackbone(config).eval()
if "--remedy" in sys.argv:
    from harness.remedies import calls

    calls.collect_all_levels(backbone)
try:
    backbone(torch.zeros(1, 3, 64, 64), output_hidden_states=True)
except IndexError as error:
    sys.exit(f"broken: {error}")
