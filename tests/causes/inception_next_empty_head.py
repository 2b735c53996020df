"""An InceptionNeXt checkpoint does not load into AutoModel: timm before 1.0.31 makes it an empty head.

No report was found.
"""

import json
import sys
import tempfile
from pathlib import Path

import timm
from safetensors.torch import save_file
from transformers import AutoModel

BROKEN = "transformers==5.12.1 timm==1.0.27"
HEALTHY = "transformers==5.23.0 timm==1.0.31"
URL = None
REMEDY = "empty_last_layer_of_head"

ARCHITECTURE = "inception_next_atto"

model = timm.create_model(ARCHITECTURE, num_classes=10)
config = {
    "architecture": ARCHITECTURE,
    "num_classes": 10,
    "num_features": model.num_features,
    "pretrained_cfg": {"architecture": ARCHITECTURE, "input_size": [3, 224, 224]},
}
with tempfile.TemporaryDirectory() as folder:
    save_file(model.state_dict(), Path(folder) / "model.safetensors", metadata={"format": "pt"})
    (Path(folder) / "config.json").write_text(json.dumps(config))
    if "--remedy" in sys.argv:
        from harness.remedies import folders

        folders.empty_last_layer_of_head(Path(folder))
    try:
        AutoModel.from_pretrained(folder)
    except RuntimeError as error:
        sys.exit(f"broken: {error}".splitlines()[0])
