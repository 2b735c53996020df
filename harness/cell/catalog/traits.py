"""Reads the traits of a model from the architecture itself."""

from collections.abc import Iterable
from typing import Any, Final

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ...contract.catalog import Cut, Entry
from ..models.layer_scales import layer_scales
from ..models.slim import build
from .cutting import cut, parameters, smallest_side

CLASSES: Final = (10, 7)


def entry_of(model: str, module: nn.Module, *, whole: bool = False) -> Entry:
    """The traits of one architecture and its slim form, which with `whole` is the full model."""
    channels, height, width = module.default_cfg["input_size"]
    return Entry(
        model=model,
        family=type(module).__module__.rpartition(".")[2],
        input_size=(channels, height, width),
        **traits_of(module),
        classifier=_has_classifier(model),
        feature_levels=_levels_if_any(model) if whole else _feature_levels(model),
        intermediates=hasattr(module, "forward_intermediates"),
        smallest_input=(channels, height, width) if whole else _smallest_input(module),
        slim=_whole(module) if whole else cut(model),
    )


def traits_of(module: nn.Module) -> dict[str, Any]:
    """The fields of an entry that any module has, timm's or a user's."""
    keys = list(module.state_dict())
    return {
        "params": parameters(module),
        "gamma_keys": _count("gamma" in key for key in keys),
        "beta_keys": _count("beta" in key for key in keys),
        "scale_keys": _count("gamma" not in key and "beta" not in key for key in layer_scales(module)),
        "non_persistent_buffers": _count(name not in set(keys) for name, _ in module.named_buffers()),
        "batch_norm": any(isinstance(part, _BatchNorm) for part in module.modules()),
    }


def _whole(module: nn.Module) -> Cut:
    return Cut({}, tuple(module.default_cfg["input_size"]), parameters(module), fallback="it was asked for whole")


def _smallest_input(module: nn.Module) -> tuple[int, int, int]:
    channels, height, width = module.default_cfg["input_size"]
    side = smallest_side(module)
    return (channels, side, side) if side else (channels, height, width)


def _count(hits: Iterable[bool]) -> int:
    return sum(hits)


def _has_classifier(model: str) -> bool:
    """Whether the number of classes changes any shape: an encoder accepts the argument and has no head."""
    first, second = (_shapes(model, classes) for classes in CLASSES)
    return first != second


def _shapes(model: str, classes: int) -> list[tuple[int, ...]]:
    return [tuple(parameter.shape) for parameter in build(model, {}, num_classes=classes).parameters()]


def _feature_levels(model: str) -> int:
    """The number of feature maps that `features_only` gives; 0 if this timm refuses it for the architecture."""
    try:
        module = build(model, {}, features_only=True)
    except RuntimeError as error:
        if "features_only" in str(error):
            return 0
        raise
    return len(module.feature_info)


def _levels_if_any(model: str) -> int:
    """The number of feature maps of a user model, whose constructor may raise anything."""
    try:
        return _feature_levels(model)
    except Exception:  # noqa: BLE001  as above
        return 0
