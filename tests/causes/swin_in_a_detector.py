"""timm's Swin gives feature maps with channels last, which a DETR takes for channels first: it can be made and not run.

There is no release without it. No report was found.
"""

import sys

import torch
from transformers import DetrConfig, DetrModel, TimmBackboneConfig

BROKEN = "transformers==5.23.0 timm==1.0.31"
HEALTHY = None
URL = None
REMEDY = "none"

small = {"d_model": 32, "encoder_attention_heads": 2, "decoder_attention_heads": 2, "num_queries": 5}
few = {"encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32}
backbone = TimmBackboneConfig(backbone="swin_tiny_patch4_window7_224", out_indices=[0, 1, 2, 3])
config = DetrConfig(
    backbone_config=backbone, use_timm_backbone=False, backbone=None, use_pretrained_backbone=False, **small, **few
)
model = DetrModel(config).eval()
try:
    with torch.no_grad():
        model(pixel_values=torch.rand(1, 3, 224, 224))
except RuntimeError as error:
    sys.exit(f"broken: {error}")
