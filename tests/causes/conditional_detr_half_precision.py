"""Conditional DETR cannot run in half precision before transformers 4.56: its position embeddings are float32."""

import sys

import torch
from transformers import ConditionalDetrConfig, ConditionalDetrForObjectDetection

BROKEN = "transformers==4.49.0 timm==1.0.15"
HEALTHY = "transformers==4.57.6 timm==1.0.22"
URL = "https://github.com/huggingface/transformers/pull/40300"
REMEDY = "cast_inputs"

config = ConditionalDetrConfig(
    backbone="resnet18",
    use_pretrained_backbone=False,
    d_model=32,
    encoder_layers=1,
    decoder_layers=1,
    encoder_attention_heads=2,
    decoder_attention_heads=2,
)
detector = ConditionalDetrForObjectDetection(config).to(torch.bfloat16).eval()
if "--remedy" in sys.argv:
    from harness.remedies import calls

    calls.cast_inputs(detector)
try:
    detector(pixel_values=torch.zeros(1, 3, 64, 64, dtype=torch.bfloat16))
except RuntimeError as error:
    sys.exit(f"broken: {error}")
