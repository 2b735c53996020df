"""XCiT takes drop_rate, the dropout of the head, for its class attention too: timm before 1.0.31 drops in its blocks.

No report was found.
"""

import sys

import timm

BROKEN = "transformers==5.12.1 timm==1.0.27"
HEALTHY = "transformers==5.23.0 timm==1.0.31"
URL = None
REMEDY = "none"

model = timm.create_model("xcit_nano_12_p16_224", drop_rate=0.9)
rate = model.cls_attn_blocks[0].attn.proj_drop.p
if rate:
    sys.exit(f"broken: with drop_rate={rate} class attention drops its projections")
