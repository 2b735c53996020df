"""The configuration of an OmDet-Turbo declares a number whose default is False, and is not saved.

Later releases of huggingface_hub tell False from 0, and transformers 5.5 declares a truth value.
"""

import sys
import tempfile

from transformers import OmDetTurboConfig

BROKEN = "transformers==5.4.0 timm==1.0.31"
HEALTHY = "transformers==5.5.0 timm==1.0.31"
URL = "https://github.com/huggingface/transformers/pull/45007"
REMEDY = "move"

try:
    with tempfile.TemporaryDirectory() as folder:
        OmDetTurboConfig().save_pretrained(folder)
except Exception as error:  # noqa: BLE001  of huggingface_hub, which has its own
    sys.exit(f"broken: {str(error).splitlines()[-1].strip()}")
