"""Finds timm models that a custom model does not load as saved, by the two libraries alone, without the harness.

    python tower_alone.py convnext_atto vit_relpos_small_patch16_224

prints a line for each model: `same`, or `differs` with the first such tensor. Full-size models, timm's own random
initialisation with noise on top, `save_pretrained`, `from_pretrained`, parameters and all buffers compared bit for bit.
"""

import sys
import tempfile

import timm
import torch
from torch import Tensor
from transformers import PretrainedConfig, PreTrainedModel


class AloneConfig(PretrainedConfig):
    model_type = "tower_alone"

    def __init__(self, architecture: str = "", **kwargs: object) -> None:
        self.architecture = architecture
        super().__init__(**kwargs)


class Alone(PreTrainedModel):
    config_class = AloneConfig

    def __init__(self, config: AloneConfig) -> None:
        super().__init__(config)
        self.tower = timm.create_model(config.architecture, num_classes=0)
        self.post_init()


def tensors(model: Alone) -> dict[str, Tensor]:
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


def first_difference(architecture: str) -> str | None:
    saved = Alone(AloneConfig(architecture))
    with torch.no_grad():
        for parameter in saved.parameters():
            parameter.add_(torch.rand_like(parameter))
    with tempfile.TemporaryDirectory() as folder:
        saved.save_pretrained(folder)
        loaded = tensors(Alone.from_pretrained(folder))
    return next((name for name, tensor in tensors(saved).items() if not tensor.equal(loaded[name])), None)


if __name__ == "__main__":
    torch.manual_seed(0)
    for model in sys.argv[1:]:
        name = first_difference(model)
        print(model, "same" if name is None else f"differs {name}", flush=True)  # noqa: T201
