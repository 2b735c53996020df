"""Names, tensors and outputs of a loaded model held against native timm.

Nothing here knows how a model was loaded. Comparisons take magnitudes, and one with NaN counts as a difference.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

import torch
from torch import Tensor

from harness.cell.parity import NameDifference, OutputDifference, TensorDifference, Tolerance

ULPS: Final = 8


def compare_names(where: str, native: Iterable[str], got: Iterable[str]) -> list[NameDifference]:
    """The names that differ between two sides; an empty list where they agree."""
    wanted, there = dict.fromkeys(native), dict.fromkeys(got)
    missing = tuple(name for name in wanted if name not in there)
    unexpected = tuple(name for name in there if name not in wanted)
    return [NameDifference(where, missing, unexpected)] if missing or unexpected else []


def compare_tensors(
    native: Mapping[str, Tensor], loaded: Mapping[str, Tensor], persistent: frozenset[str]
) -> list[TensorDifference]:
    """Parameters and buffers that differ in value, bit for bit, or in shape, dtype or device."""
    differences = []
    for name, tensor in native.items():
        kind = _kind(name, tensor, persistent)
        how = _difference(tensor, loaded[name]) if name in loaded else "is not there"
        if how:
            differences.append(TensorDifference(name, kind, how))
    extra = [name for name in loaded if name not in native]
    return differences + [TensorDifference(name, "buffer", "is there, and native timm has none") for name in extra]


def compare_outputs(
    first: Mapping[str, Tensor], second: Mapping[str, Tensor], loaded: Mapping[str, Tensor], tolerance: Tolerance
) -> list[OutputDifference]:
    """Every output of two native runs against that of the loaded model. A missing output, or shape, is NaN apart."""
    return [_output(name, first[name], second[name], loaded.get(name), tolerance) for name in first]


def fingerprint(outputs: Mapping[str, Tensor], samples: int = 8) -> dict[str, Any]:
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


def _difference(native: Tensor, loaded: Tensor) -> str:
    """In words how the loaded tensor differs from the native one; empty where it does not."""
    if native.shape != loaded.shape:
        return f"has shape {tuple(loaded.shape)}, not {tuple(native.shape)}"
    if native.dtype != loaded.dtype:
        return f"is {_word(loaded.dtype)}, not {_word(native.dtype)}"
    if native.device != loaded.device:
        return f"is on {loaded.device}, not {native.device}"
    native, loaded = native.detach(), loaded.detach()
    if torch.equal(_bits(native), _bits(loaded)):
        return ""
    return _described(native, loaded)


def _described(native: Tensor, loaded: Tensor) -> str:
    if loaded.is_floating_point() and bool(loaded.isnan().all()):
        return "is NaN throughout, as uninitialised memory is here"
    if (
        not loaded.is_floating_point()
        and loaded.dtype != torch.bool
        and bool((loaded == torch.iinfo(loaded.dtype).max).all())
    ):
        return "is the largest integer throughout, as uninitialised memory is here"
    if loaded.numel() > 1 and bool((loaded == loaded.flatten()[0]).all()):
        return f"is {loaded.flatten()[0].item():.6g} throughout"
    off = _largest(native.double() - loaded.double())
    share = (native != loaded).double().mean().item()
    return f"differs by up to {off:.3g} in {share:.0%} of its values"


def _bits(tensor: Tensor) -> Tensor:
    """The tensor as integers, so that NaN equals itself and -0.0 does not equal 0.0."""
    if not tensor.is_floating_point():
        return tensor
    sizes = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
    return tensor.contiguous().view(sizes[tensor.element_size()])


def _output(name: str, first: Tensor, second: Tensor, loaded: Tensor | None, tolerance: Tolerance) -> OutputDifference:
    largest = _largest(first)
    if loaded is None or loaded.shape != first.shape:
        return OutputDifference(name, math.nan, largest, math.nan, math.nan, holds=False, finite=True)
    off = _largest(first.double() - loaded.double())
    bound = tolerance.atol + tolerance.rtol * largest
    # Written so that a comparison with NaN is a failure.
    holds = off <= bound
    ulp = torch.finfo(first.dtype).eps * 2.0 ** math.floor(math.log2(largest)) if largest > 0 else 0.0
    noise = _largest(first.double() - second.double())
    return OutputDifference(name, off, largest, noise, ULPS * ulp, holds=holds, finite=bool(loaded.isfinite().all()))


def _largest(tensor: Tensor) -> float:
    return tensor.abs().max().item() if tensor.numel() else 0.0


def _word(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
