"""TimmBackbone.from_pretrained gives back a model in training mode; every other from_pretrained calls eval().

Dropout is at work then, and a batch norm uses the batch and changes its running statistics. The weights are read from a
file, as without it they are downloaded. No report was found, and no release without it.
"""

import sys
import tempfile
from pathlib import Path

import timm
from safetensors.torch import save_file
from timm.models import model_entrypoint, register_model
from transformers import TimmBackbone

BROKEN = "transformers==5.23.0 timm==1.0.31"
HEALTHY = None
URL = None
REMEDY = "set_evaluation_mode"

with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "model.safetensors"
    save_file(timm.create_model("resnet18").state_dict(), file)

    def from_file(**kwargs: object) -> object:
        """A ResNet with its weights from the file."""
        source = {"file": str(file), "num_classes": 1000, "custom_load": False}
        return model_entrypoint("resnet18")(**{**kwargs, "pretrained_cfg_overlay": source})

    from_file.__name__ = "resnet18_from_file"
    from_file.__module__ = "timm.models.resnet"
    register_model(from_file)
    loaded = TimmBackbone.from_pretrained("resnet18_from_file", out_indices=[1, 2])
if "--remedy" in sys.argv:
    from harness.remedies import models

    models.set_evaluation_mode(loaded, {}, None)
if loaded.training:
    sys.exit("broken: the model that from_pretrained gave is in training mode")
