"""A DETR of transformers 5.1.0 on a timm backbone does not come back: out_features is not supported by TimmBackbone."""

import sys
import tempfile

from transformers import DetrConfig, DetrForObjectDetection, TimmBackboneConfig

BROKEN = "transformers==5.1.0 timm==1.0.24"
HEALTHY = "transformers==5.12.1 timm==1.0.27"
URL = "https://github.com/huggingface/transformers/issues/43878"
REMEDY = "move"

backbone = TimmBackboneConfig(backbone="resnet18", out_indices=[1, 2, 3])
config = DetrConfig(backbone_config=backbone, d_model=32, encoder_attention_heads=2, decoder_attention_heads=2)
model = DetrForObjectDetection(config)
with tempfile.TemporaryDirectory() as folder:
    try:
        model.save_pretrained(folder)
        DetrForObjectDetection.from_pretrained(folder)
    except ValueError as error:
        sys.exit(f"broken: {error}")
