"""Compares names, tensors and outputs of a loaded model with native timm.

It does not matter how a model was loaded. Differences are magnitudes, and a comparison with NaN is a difference.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

import torch
from torch import Tensor

from ...contract.fields.record import SAMPLES
from ...contract.plan import Tolerance
from .diagnosis import diagnose, equal, largest
from .findings import NameDifference, OutputDifference, TensorDifference

ULPS: Final = 8
TOO_MANY: Final = "is there, and native timm has none of that name"
SAME: Final = 1e-4  # of the largest value, up to which two outputs are the same


def compare_names(where: str, native: Iterable[str], loaded: Iterable[str]) -> list[NameDifference]:
    """The names that only one of two sides has; an empty list if they agree."""
    native_names, loaded_names = dict.fromkeys(native), dict.fromkeys(loaded)
    missing = tuple(name for name in native_names if name not in loaded_names)
    unexpected = tuple(name for name in loaded_names if name not in native_names)
    return [NameDifference(where, missing, unexpected)] if missing or unexpected else []


def compare_tensors(
    native: Mapping[str, Tensor],
    loaded: Mapping[str, Tensor],
    persistent: frozenset[str],
    defaults: Callable[[str], Tensor | None] = lambda _: None,
) -> list[TensorDifference]:
    """Parameters and buffers that differ in value, bit for bit, or in shape, dtype or device.

    `persistent` are the names of a checkpoint. `defaults` gives a constructor's value by name; it is called only for
    tensors that differ.
    """
    differences = []
    for name, tensor in native.items():
        words = _difference(name, native, loaded[name], defaults) if name in loaded else ("not there", "is not there")
        if words:
            differences.append(TensorDifference(name, _kind(name, tensor, persistent), *words))
    extra = [name for name in loaded if name not in native]
    only_loaded = ("not saved", "is there, and the saved model has none of that name")
    return differences + [TensorDifference(name, _kind(name, loaded[name], persistent), *only_loaded) for name in extra]


def compare_outputs(
    native: Mapping[str, Tensor],
    again: Callable[[], Mapping[str, Tensor]],
    loaded: Mapping[str, Tensor],
    tolerance: Tolerance,
) -> list[OutputDifference]:
    """Compare each native output with the loaded model's. One that is missing or has another shape differs by NaN.

    So does one that native lacks.

    `again` gives the outputs of a second native run; it is called only for outputs that differ.
    """
    differences = [_output(name, tensor, again, loaded.get(name), tolerance) for name, tensor in native.items()]
    extra = [
        OutputDifference(name, math.nan, 0.0, math.nan, math.nan, holds=False, finite=True, how=TOO_MANY)
        for name in loaded
        if name not in native
    ]
    return [
        difference
        if difference.holds
        else replace(difference, how=difference.how or _namesake(difference, native, loaded))
        for difference in differences
    ] + extra


def _namesake(difference: OutputDifference, native: Mapping[str, Tensor], loaded: Mapping[str, Tensor]) -> str:
    """Which other native output an output holds, as where an index of levels is off by one; empty for none."""
    tensor = loaded[difference.name]
    bound = largest(tensor) * SAME
    same = (
        name
        for name, other in native.items()
        if name != difference.name
        and other.shape == tensor.shape
        and largest(other.double() - tensor.double()) <= bound
        and largest(other.double() - native[difference.name].double()) > bound
    )
    other = next(same, None)
    return f"is {other}" if other else ""


def fingerprint(outputs: Mapping[str, Tensor], samples: int = SAMPLES) -> dict[str, Any]:
    """Statistics and samples of native outputs in float64, comparable within tolerance across releases of timm."""
    return {name: _statistics(tensor, samples) for name, tensor in outputs.items()}


def _statistics(tensor: Tensor, samples: int) -> dict[str, Any]:
    flat = tensor.detach().double().flatten().cpu()
    if flat.numel() == 0:  # InceptionNeXt without classes pools to nothing in older timm
        return {"shape": list(tensor.shape)}
    positions = torch.linspace(0, flat.numel() - 1, samples, dtype=torch.float64).long()
    return {
        "shape": list(tensor.shape),
        "mean": flat.mean().item(),
        "std": flat.std(correction=0).item(),
        "absmax": flat.abs().max().item(),
        "samples": flat[positions].tolist(),
    }


def _kind(name: str, tensor: Tensor, persistent: frozenset[str]) -> str:
    if isinstance(tensor, torch.nn.Parameter):
        return "parameter"
    return "buffer" if name in persistent else "non-persistent buffer"


def _difference(
    name: str, natives: Mapping[str, Tensor], loaded: Tensor, defaults: Callable[[str], Tensor | None]
) -> tuple[str, str] | None:
    """How the loaded tensor differs from the native one, in words without and with figures; None if it does not."""
    native = natives[name]
    if native.shape != loaded.shape:
        return "of another shape", f"has shape {tuple(loaded.shape)}, not {tuple(native.shape)}"
    if native.dtype != loaded.dtype:
        return (
            f"{_word(loaded.dtype)}, not {_word(native.dtype)}",
            f"is {_word(loaded.dtype)}, not {_word(native.dtype)}",
        )
    if native.device != loaded.device:
        return f"on {loaded.device.type}", f"is on {loaded.device}, not {native.device}"
    if equal(native, loaded):
        return None
    return diagnose(name, natives, loaded.detach(), defaults(name))


def _output(
    name: str,
    first: Tensor,
    again: Callable[[], Mapping[str, Tensor]],
    loaded: Tensor | None,
    tolerance: Tolerance,
) -> OutputDifference:
    words = ""
    if first.dtype == torch.bool and loaded is not None:
        words = f"is {str(bool(loaded.all())).lower()}, and must not be"
        first, loaded = first.int(), loaded.int()
    magnitude = largest(first)
    if loaded is None or loaded.shape != first.shape:
        how = f"has shape {tuple(loaded.shape)}, not {tuple(first.shape)}" if loaded is not None else "is not there"
        return OutputDifference(name, math.nan, magnitude, math.nan, math.nan, holds=False, finite=True, how=how)
    distance = largest(first.double() - loaded.double())
    bound = tolerance.atol + tolerance.rtol * magnitude
    # Written so that a comparison with NaN is a failure.
    holds = distance <= bound
    rounds = first.is_floating_point() or first.is_complex()  # an integer has no rounding error
    ulp = torch.finfo(first.dtype).eps * 2.0 ** math.floor(math.log2(magnitude)) if rounds and magnitude > 0 else 0.0
    noise = largest(first.double() - again()[name].double()) if distance > 0 else math.nan
    finite = bool(loaded.isfinite().all())
    how = "" if holds else words
    return OutputDifference(name, distance, magnitude, noise, ULPS * ulp, holds=holds, finite=finite, how=how)


def _word(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
