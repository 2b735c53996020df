"""What a project writes that has no harness: timm's LayerScale models, at full size, by four roads into transformers.

`nox -s bench` holds the time and the findings of `nox -s matrix` against this. By hand, with both libraries installed:

    MODELS="convnext_tiny cait_xxs24_224" python -m pytest tests/plain

Nothing of this project is used here.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import (
    AutoModel,
    AutoModelForImageClassification,
    PretrainedConfig,
    PreTrainedModel,
    TimmBackbone,
    TimmBackboneConfig,
)

CLASSES = 10


def has_layer_scale(name: str) -> bool:
    with torch.device("meta"):
        parameters = timm.create_model(name).named_parameters()
        return any("gamma" in one or ".ls" in one or "scale" in one for one, _ in parameters)


MODELS = os.environ.get("MODELS", "").split() or [name for name in timm.list_models() if has_layer_scale(name)]


class Config(PretrainedConfig):
    def __init__(self, architecture: str = "", **kwargs: Any) -> None:
        self.architecture = architecture
        super().__init__(**kwargs)


class Segmenter(PreTrainedModel):
    config_class = Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.backbone = TimmBackbone(TimmBackboneConfig(backbone=config.architecture, use_pretrained_backbone=False))
        self.post_init()

    def forward(self, pixel_values: Tensor) -> list[Tensor]:
        return list(self.backbone(pixel_values).feature_maps)


class Tower(PreTrainedModel):
    config_class = Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.vision = timm.create_model(config.architecture, num_classes=0)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        pass

    def forward(self, pixel_values: Tensor) -> list[Tensor]:
        return [self.vision(pixel_values)]


def moved(model: nn.Module) -> nn.Module:
    """With every parameter off its default: a LayerScale of 1e-5 hides the branch that it scales."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.02)
    return model.eval()


@pytest.fixture(scope="module", params=MODELS)
def name(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture(scope="module")
def native(name: str) -> Any:
    return moved(timm.create_model(name, num_classes=CLASSES))


@pytest.fixture(scope="module")
def pixels(native: Any) -> Tensor:
    return torch.randn(1, *native.pretrained_cfg["input_size"], generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def checkpoint(name: str, native: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp(name)
    weights = folder / "model.safetensors"
    save_file({key: tensor.contiguous() for key, tensor in native.state_dict().items()}, weights, {"format": "pt"})
    described = {"architecture": name, "num_classes": CLASSES, "num_features": native.num_features}
    kept = {key: native.pretrained_cfg[key] for key in ("input_size", "mean", "std", "interpolation", "crop_pct")}
    (folder / "config.json").write_text(json.dumps({**described, "pretrained_cfg": {**described, **kept}}))
    yield folder
    weights.unlink()


def agree(got: list[Tensor], expected: list[Tensor]) -> None:
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)


def came_back(model_class: Any, folder: Path, leaving_out: str = "") -> Any:
    model, info = model_class.from_pretrained(folder, output_loading_info=True)
    unexpected = [key for key in info["unexpected_keys"] if not leaving_out or leaving_out not in key]
    assert (list(info["missing_keys"]), unexpected, list(info["mismatched_keys"])) == ([], [], [])
    return model.eval()


@torch.no_grad()
def test_wrapper(native: Any, checkpoint: Path, pixels: Tensor) -> None:
    model = came_back(AutoModel, checkpoint, leaving_out="head")
    agree([model(pixels).last_hidden_state], [native.forward_features(pixels)])


@torch.no_grad()
def test_classifier(native: Any, checkpoint: Path, pixels: Tensor) -> None:
    model = came_back(AutoModelForImageClassification, checkpoint)
    agree([model(pixels).logits], [native(pixels)])


def saved_and_loaded(model: Any, pixels: Tensor, folder: Path) -> None:
    expected = moved(model)(pixels)
    model.save_pretrained(folder)
    agree(came_back(type(model), folder)(pixels), expected)


@torch.no_grad()
def test_backbone(name: str, pixels: Tensor, tmp_path: Path) -> None:
    try:
        timm.create_model(name, features_only=True)
    except (RuntimeError, AttributeError) as error:  # as timm says it where it has no feature maps
        pytest.skip(f"no backbone: {error}")
    saved_and_loaded(Segmenter(Config(architecture=name)), pixels, tmp_path)


@torch.no_grad()
def test_tower(name: str, pixels: Tensor, tmp_path: Path) -> None:
    saved_and_loaded(Tower(Config(architecture=name)), pixels, tmp_path)
