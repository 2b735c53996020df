"""Names, tensors and outputs of a loaded model held against native timm.

Nothing here knows how a model was loaded. Comparisons take magnitudes, and one with NaN counts as a difference.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import torch
from torch import Tensor

from ...contract.plan import Tolerance
from ...contract.record_fields import SAMPLES
from .diagnosis import equal, largest, looks
from .findings import NameDifference, OutputDifference, TensorDifference

ULPS: Final = 8


def compare_names(where: str, native: Iterable[str], got: Iterable[str]) -> list[NameDifference]:
    """The names that differ between two sides; an empty list where they agree."""
    wanted, there = dict.fromkeys(native), dict.fromkeys(got)
    missing = tuple(name for name in wanted if name not in there)
    unexpected = tuple(name for name in there if name not in wanted)
    return [NameDifference(where, missing, unexpected)] if missing or unexpected else []


def compare_tensors(
    native: Mapping[str, Tensor],
    loaded: Mapping[str, Tensor],
    persistent: frozenset[str],
    defaults: Callable[[str], Tensor | None] = lambda _: None,
) -> list[TensorDifference]:
    """Parameters and buffers that differ in value, bit for bit, or in shape, dtype or device.

    `defaults` gives what a constructor puts under a name; it is asked only for what differs.
    """
    differences = []
    for name, tensor in native.items():
        found = _difference(name, native, loaded[name], defaults) if name in loaded else ("not there", "is not there")
        if found:
            differences.append(TensorDifference(name, _kind(name, tensor, persistent), *found))
    extra = [name for name in loaded if name not in native]
    alone = ("not in timm", "is there, and native timm has none")
    return differences + [TensorDifference(name, "buffer", *alone) for name in extra]


def compare_outputs(
    native: Mapping[str, Tensor],
    again: Callable[[], Mapping[str, Tensor]],
    loaded: Mapping[str, Tensor],
    tolerance: Tolerance,
) -> list[OutputDifference]:
    """Every native output against that of the loaded model. A missing output, or shape, is NaN apart.

    `again` gives the outputs of a second native run; it is asked only for what differs.
    """
    return [_output(name, tensor, again, loaded.get(name), tolerance) for name, tensor in native.items()]


def fingerprint(outputs: Mapping[str, Tensor], samples: int = SAMPLES) -> dict[str, Any]:
    """Statistics and samples of native outputs in float64, comparable within tolerance across releases of timm."""
    return {name: _print_of(tensor, samples) for name, tensor in outputs.items()}


def _print_of(tensor: Tensor, samples: int) -> dict[str, Any]:
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
    """How the loaded tensor differs from the native one, without and with figures; None where it does not."""
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
    return looks(name, natives, loaded.detach(), defaults(name))


def _output(
    name: str,
    first: Tensor,
    again: Callable[[], Mapping[str, Tensor]],
    loaded: Tensor | None,
    tolerance: Tolerance,
) -> OutputDifference:
    if first.dtype == torch.bool and loaded is not None:
        first, loaded = first.int(), loaded.int()
    most = largest(first)
    if loaded is None or loaded.shape != first.shape:
        how = f"has shape {tuple(loaded.shape)}, not {tuple(first.shape)}" if loaded is not None else "is not there"
        return OutputDifference(name, math.nan, most, math.nan, math.nan, holds=False, finite=True, how=how)
    off = largest(first.double() - loaded.double())
    bound = tolerance.atol + tolerance.rtol * most
    # Written so that a comparison with NaN is a failure.
    holds = off <= bound
    rounds = first.is_floating_point() or first.is_complex()  # a whole number that differs is another
    ulp = torch.finfo(first.dtype).eps * 2.0 ** math.floor(math.log2(most)) if rounds and most > 0 else 0.0
    noise = largest(first.double() - again()[name].double()) if off > 0 else math.nan
    return OutputDifference(name, off, most, noise, ULPS * ulp, holds=holds, finite=bool(loaded.isfinite().all()))


def _word(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
