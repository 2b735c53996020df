"""Compares the names and the tensors of a loaded model with native timm's and with the saved model's."""

from collections.abc import Collection, Iterable
from typing import Any, Final

from torch import Tensor, nn

from ...contract.case import Outcome
from ...contract.finding import Finding
from ..compare.comparison import compare_names, compare_tensors
from ..compare.findings import NameDifference, TensorDifference
from ..compare.flags import OF_TENSORS, Flags, compare_flags
from ..compare.reports import REPORT, listed_names
from ..compare.typed import pattern
from ..models.layer_scales import has_layer_scale
from ..models.native import Native
from ..models.placement import tensors_of
from ..models.reference import ReferenceModel
from .protocol import Loaded

FROZEN: Final = OF_TENSORS["frozen"][0]
LARGEST: Final = 10.0
"""The most that a value of a new parameter may be: what initialisations draw is a tenth of it."""


def differing_names(loaded: Loaded, *, scales: bool) -> list[NameDifference]:
    """Names in the loading report and in the loaded module, relative to the timm module.

    With `scales` the module must have a LayerScale parameter.
    """
    reported = {kind: _reported_names(loaded, kind) for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")}
    listed = {kind: tuple(name for name in names if name not in loaded.left_out) for kind, names in reported.items()}
    missing = tuple(name for name in listed["missing_keys"] if name not in loaded.absent)
    report = NameDifference(REPORT, missing, tuple(listed["unexpected_keys"]), listed["mismatched_keys"])
    differences = [report] if report.names else []
    where = f"the model that {loaded.by} loaded"
    expected = [name for name in loaded.native.names if name not in loaded.left_out]
    differences += compare_names(
        where, expected, (name for name in loaded.timm_module.state_dict() if name not in loaded.left_out)
    )
    if scales and not has_layer_scale(loaded.timm_module):
        differences.append(NameDifference(where, ("its LayerScale parameters",), ()))
    return differences


def _reported_names(loaded: Loaded, kind: str) -> list[str]:
    """Sorted names of one kind from the loading report, without the prefix of the timm module.

    The prefix stays if the prefix itself went missing.
    """
    missing, unexpected = (set(listed_names(loaded.info, key)) for key in ("missing_keys", "unexpected_keys"))
    prefix = f"{loaded.prefix}."
    if any(name.removeprefix(prefix) in unexpected for name in missing if name.startswith(prefix)):
        prefix = ""
    return sorted(name.removeprefix(prefix) for name in listed_names(loaded.info, kind))


def differing_tensors(loaded: Loaded, reference: ReferenceModel) -> list[TensorDifference]:
    """Compare the timm module with the native one, and all tensors around it with the saved model's."""
    native = loaded.native
    expected = {name: tensor for name, tensor in native.tensors.items() if name not in loaded.left_out}
    actual = {name: tensor for name, tensor in tensors_of(loaded.timm_module).items() if name not in loaded.left_out}
    differences = compare_tensors(expected, actual, frozenset(native.names), reference.default)
    if loaded.saved is not None:
        around, persistent = _around(loaded.saved, loaded.prefix), frozenset(loaded.saved.state_dict())
        differences += compare_tensors(around, _around(loaded.model, loaded.prefix), persistent)
    return differences


def differing_flags(loaded: Loaded, came_back: Flags, names: Iterable[NameDifference]) -> list[Finding]:
    """Compare what a model was as it came back with the native module, and around that with the saved model.

    Tensors whose names differ are left out: they have been found.
    """
    lost = {name for difference in names for name in difference.names}
    # What is made anew on purpose has other values, and is otherwise as it must be.
    lost |= loaded.left_out - (loaded.native.tensors.keys() & tensors_of(loaded.timm_module).keys())
    where, trains = f"the model that {loaded.by} loaded", loaded.by == "timm"
    differences: list[Finding] = []
    native = Flags.of(loaded.native.module)
    if (expected := altered_flags(loaded) if loaded.alters else native) is not None:
        differences += frozen_scales(loaded.native, native, expected.frozen if loaded.alters else ())
        differences += compare_flags(where, expected, came_back.below(loaded.prefix), training=trains, leaving=lost)
    if loaded.saved is not None:
        around = Flags.of(loaded.saved).around(loaded.prefix)
        differences += compare_flags(where, around, came_back.around(loaded.prefix), training=False, leaving=lost)
    return differences


def frozen_scales(native: Native, flags: Flags, expected: Collection[str]) -> list[Finding]:
    """The LayerScales that native timm itself freezes, but for the `expected`: they are there to be trained."""
    frozen = sorted(native.scales & flags.frozen - frozenset(expected))
    return [Finding(Outcome.FLAGS, "native timm", pattern(name), FROZEN, example=name) for name in frozen]


def altered_flags(loaded: Loaded) -> Flags | None:
    """What a timm module has to be that the library alters on purpose; None if nobody knows."""
    return None if loaded.saved is None else Flags.of(loaded.saved).below(loaded.prefix)


def unfit(module: nn.Module, names: Iterable[str]) -> list[TensorDifference]:
    """The parameters made anew that cannot be what an initialisation gives: on no device, not finite, or too large."""
    tensors = tensors_of(module)
    words = {name: _unfit(tensors[name]) for name in sorted(names) if name in tensors}
    return [TensorDifference(name, "parameter", how, f"is {how}") for name, how in words.items() if how]


def _unfit(tensor: Tensor) -> str:
    tensor = tensor.detach()
    if tensor.is_meta:
        return "made anew on the meta device"
    if not bool(tensor.isfinite().all()):
        return "made anew and not finite"
    if float(tensor.abs().max()) > LARGEST:
        return "made anew and too large"
    is_constant = tensor.dim() > 1 and float(tensor.min()) == float(tensor.max())
    return "made anew and one value throughout" if is_constant else ""


def _around(model: Any, prefix: str) -> dict[str, Tensor]:
    """The tensors of a model outside the module below `prefix`."""
    return {name: tensor for name, tensor in tensors_of(model).items() if not name.startswith(f"{prefix}.")}
