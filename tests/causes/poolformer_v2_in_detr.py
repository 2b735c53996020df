"""A DETR of transformers 5.0 to 5.12 cannot be loaded with a backbone whose norms have no bias: PoolFormerV2.

Its `_init_weights` sets every norm's bias. In 5.0 only where the backbone is given by its name. No report was found.
"""

import sys
import tempfile

from transformers import DetrConfig, DetrForObjectDetection, TimmBackboneConfig

BROKEN = "transformers==5.12.1 timm==1.0.27"
HEALTHY = "transformers==5.23.0 timm==1.0.31"
URL = None
REMEDY = "move"

backbone = TimmBackboneConfig(backbone="poolformerv2_s12", out_indices=[1, 2, 3])
config = DetrConfig(backbone_config=backbone, d_model=32, encoder_attention_heads=2, decoder_attention_heads=2)
with tempfile.TemporaryDirectory() as folder:
    DetrForObjectDetection(config).save_pretrained(folder)
    try:
        DetrForObjectDetection.from_pretrained(folder)
    except AttributeError as error:
        sys.exit(f"broken: {error}")
