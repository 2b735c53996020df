"""A LayerScale that the checkpoint lacks is left uninitialised by AutoModel of transformers before 4.51.

While it builds a model, it switches off torch.nn.init, by which timm 1.0.22 and later fill a LayerScale. No report was
found.
"""

import json
import sys
import tempfile
from pathlib import Path

import timm
import torch
from safetensors.torch import save_file
from transformers import AutoModel

BROKEN = "transformers==4.49.0 timm==1.0.31"
HEALTHY = "transformers==4.49.0 timm==1.0.15"
URL = None
REMEDY = "set_missing_to_timm_defaults"

NAME = "vit_relpos_small_patch16_224"

torch.use_deterministic_algorithms(mode=True, warn_only=True)  # memory that nobody writes then shows: NaN
model = timm.create_model(NAME)
without = {name: tensor for name, tensor in model.state_dict().items() if not name.endswith("gamma")}
config = {"architecture": NAME, "num_classes": 1000, "pretrained_cfg": {"architecture": NAME}}
with tempfile.TemporaryDirectory() as folder:
    save_file(without, Path(folder) / "model.safetensors", metadata={"format": "pt"})
    (Path(folder) / "config.json").write_text(json.dumps(config))
    loaded, report = AutoModel.from_pretrained(folder, output_loading_info=True)
if "--remedy" in sys.argv:
    from harness.remedies import models

    models.set_missing_to_timm_defaults(loaded, report, None)
scales = dict(loaded.timm_model.named_parameters())
for name, scale in model.named_parameters():
    if name.endswith("gamma") and not scale.equal(scales[name]):
        sys.exit(f"broken: {name} was set to {scale[0]:.1e} and is {scales[name][0]}")
