"""A plain timm checkpoint does not load into AutoModel with features_only: the names differ, and nothing raises.

The model has `stages_0`, the checkpoint `stages.0`. No report was found, and no release without it: those before 4.53
ignore model_args.
"""

import json
import sys
import tempfile
from pathlib import Path

import timm
from safetensors.torch import save_file
from transformers import AutoModel

BROKEN = "transformers==5.23.0 timm==1.0.31"
HEALTHY = None
URL = None
REMEDY = "load_by_timm"

model = timm.create_model("convnext_atto")
config = {
    "architecture": "convnext_atto",
    "num_classes": 1000,
    "pretrained_cfg": {"architecture": "convnext_atto"},
    "model_args": {"features_only": True, "out_indices": [2, 3]},
}
with tempfile.TemporaryDirectory() as folder:
    save_file(model.state_dict(), Path(folder) / "model.safetensors", metadata={"format": "pt"})
    (Path(folder) / "config.json").write_text(json.dumps(config))
    loaded, info = AutoModel.from_pretrained(folder, output_loading_info=True)
    if "--remedy" in sys.argv:
        from harness.remedies import models

        models.load_by_timm(loaded, info, Path(folder))
saved = model.state_dict()["stages.0.blocks.0.mlp.fc1.weight"]
found = [name for name, tensor in loaded.state_dict().items() if tensor.equal(saved)]
if not found:
    missing = sorted(info["missing_keys"])
    sys.exit(f"broken: {len(missing)} weights are random, {missing[0]} the first")
