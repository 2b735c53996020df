"""transformers 4 cannot let gradients flow through a frozen TimmWrapper: `enable_input_require_grads` raises."""

import json
import sys
import tempfile
from pathlib import Path

import timm
from safetensors.torch import save_file
from transformers import AutoModelForImageClassification

BROKEN = "transformers==4.57.6 timm==1.0.22"
HEALTHY = "transformers==5.0.0 timm==1.0.24"
URL = "https://github.com/huggingface/transformers/pull/42558"
REMEDY = "give_input_embeddings"

model = timm.create_model("resnet18", num_classes=10)
config = {"architecture": "resnet18", "num_classes": 10, "pretrained_cfg": {"architecture": "resnet18"}}
with tempfile.TemporaryDirectory() as folder:
    save_file(model.state_dict(), Path(folder) / "model.safetensors", metadata={"format": "pt"})
    (Path(folder) / "config.json").write_text(json.dumps(config))
    wrapper = AutoModelForImageClassification.from_pretrained(folder)
    if "--remedy" in sys.argv:
        from harness.remedies import calls

        calls.give_input_embeddings(wrapper)
    try:
        wrapper.enable_input_require_grads()
    except NotImplementedError as error:
        sys.exit(f"broken: NotImplementedError: {error}")
