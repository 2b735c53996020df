"""Says what a tensor holds instead of the saved values: never set, reset, another's, rounded, random, or others."""

import math
from collections.abc import Callable, Mapping
from typing import Final

import torch
from torch import Tensor

INTEGERS: Final = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}  # by bytes
NARROW: Final = (torch.float16, torch.bfloat16)
MATRIX: Final = 2
FEW: Final = 64
MANY: Final = 32  # values, from which on a correlation says something
CHANCE: Final = 6.0  # standard deviations of the correlation of unrelated values: a hundred thousand tensors are asked
RELATED: Final = 0.75  # the correlation from which on a few values are related


def diagnose(  # noqa: PLR0911  a return for each diagnosis
    name: str, natives: Mapping[str, Tensor], loaded: Tensor, default: Tensor | None
) -> tuple[str, str]:
    """What `loaded` holds instead of the native tensor `name`: in words without figures, and with them.

    `default` is the constructor's value. `loaded` has the shape, dtype and device of the native tensor.
    """
    native = natives[name].detach()
    if _is_poison(loaded):
        poison = "NaN" if loaded.is_floating_point() else "the largest integer"
        return "uninitialised", f"is {poison} throughout, as uninitialised memory is here"
    first = loaded.reshape(-1)[:1]
    constant = loaded.numel() > 1 and _throughout(lambda values: bool((values == first).all()), loaded)
    throughout = f"is {first.item():.6g} throughout" if constant else ""
    if default is not None and default.shape == loaded.shape and equal(default, loaded):
        return "reset to timm's default", f"{throughout or 'is reset'}, as timm's constructor leaves it"
    if constant:
        return "constant", throughout
    other = _namesake(name, natives, loaded)
    if other:
        return "another's weights", f"holds what {other} should"
    square = native.dim() == MATRIX and native.shape[0] == native.shape[1]
    if square and equal(native[:, 0], loaded[0]) and equal(native.T, loaded):
        return "transposed", "is transposed"
    for dtype in NARROW:
        if native.is_floating_point() and _throughout(
            lambda saved, actual, dtype=dtype: equal(saved.to(dtype).to(saved.dtype), actual), native, loaded
        ):
            return "rounded", f"was rounded to {str(dtype).removeprefix('torch.')}"
    if _is_unrelated(native, loaded):
        return "initialised again", "was initialised again: its values have nothing to do with the saved ones"
    wide = torch.promote_types(native.dtype, torch.float32)
    distance = largest(native.to(wide) - loaded.to(wide))
    share = (native != loaded).sum().item() / native.numel()
    return "of other values", f"differs by up to {distance:.3g} in {share:.0%} of its values"


def equal(first: Tensor, second: Tensor) -> bool:
    """Whether two tensors of one dtype and shape are the same bit for bit: NaN equals itself, -0.0 is not 0.0."""
    return bool(torch.equal(_bits(first.detach()), _bits(second.detach())))


def largest(tensor: Tensor) -> float:
    """The largest magnitude, 1 for true; 0 for a tensor without values."""
    tensor = tensor.int() if tensor.dtype == torch.bool else tensor
    return tensor.abs().max().item() if tensor.numel() else 0.0


def _is_poison(tensor: Tensor) -> bool:
    if tensor.is_floating_point():
        return _throughout(lambda values: bool(values.isnan().all()), tensor)
    if tensor.dtype == torch.bool:
        return False
    return _throughout(lambda values: bool((values == torch.iinfo(values.dtype).max).all()), tensor)


def _is_unrelated(native: Tensor, loaded: Tensor) -> bool:
    """Whether finite values do not correlate with the saved ones, beyond what chance allows."""
    if not native.is_floating_point() or native.numel() < MANY:
        return False
    values = torch.stack([native.flatten().double(), loaded.flatten().double()])
    if not bool(values.isfinite().all()) or bool((values.std(dim=1) == 0).any()):
        return False
    correlation = float(torch.corrcoef(values)[0, 1].abs())
    return correlation < min(CHANCE / math.sqrt(native.numel()), RELATED)


def _throughout(test: Callable[..., bool], *tensors: Tensor) -> bool:
    """Whether `test` holds for all values of tensors of one shape; the first few values mostly rule it out."""
    return test(*(tensor.reshape(-1)[:FEW] for tensor in tensors)) and test(*tensors)


def _namesake(name: str, natives: Mapping[str, Tensor], loaded: Tensor) -> str | None:
    """The other native tensor that `loaded` equals; None for a single value, which may be equal by chance."""
    if loaded.numel() == 1:
        return None
    candidates = (
        other
        for other, tensor in natives.items()
        if other != name and tensor.shape == loaded.shape and tensor.dtype == loaded.dtype
    )
    return next((other for other in candidates if equal(natives[other], loaded)), None)


def _bits(tensor: Tensor) -> Tensor:
    """The tensor as integers."""
    return tensor.contiguous().view(INTEGERS[tensor.element_size()]) if tensor.is_floating_point() else tensor
