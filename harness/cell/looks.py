"""What a tensor that is not what was saved looks like: never set, reset, another's, rounded, or merely different."""

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor

INTEGERS: Final = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}  # by bytes
NARROW: Final = (torch.float16, torch.bfloat16)
MATRIX: Final = 2


def looks(  # noqa: PLR0911  one answer a likeness
    name: str, natives: Mapping[str, Tensor], loaded: Tensor, default: Tensor | None
) -> tuple[str, str]:
    """In words without figures, and with them, what `loaded` is instead of the native tensor of that name.

    `default` is what the constructor gives; shape, dtype and device are native's.
    """
    native = natives[name].detach()
    if _is_poison(loaded):
        what = "NaN" if loaded.is_floating_point() else "the largest integer"
        return "uninitialised", f"is {what} throughout, as uninitialised memory is here"
    constant = loaded.numel() > 1 and bool((loaded == loaded.flatten()[0]).all())
    throughout = f"is {loaded.flatten()[0].item():.6g} throughout" if constant else ""
    if default is not None and default.shape == loaded.shape and equal(default, loaded):
        return "reset to timm's default", f"{throughout or 'is reset'}, as timm's constructor leaves it"
    if constant:
        return "constant", throughout
    other = _namesake(name, natives, loaded)
    if other:
        return "another's weights", f"holds what {other} should"
    if native.dim() == MATRIX and native.shape[0] == native.shape[1] and equal(native.T, loaded):
        return "transposed", "is transposed"
    for dtype in NARROW:
        if native.is_floating_point() and equal(native.to(dtype).to(native.dtype), loaded):
            return "rounded", f"was rounded to {str(dtype).removeprefix('torch.')}"
    off = largest(native.double() - loaded.double())
    share = (native != loaded).double().mean().item()
    return "of other values", f"differs by up to {off:.3g} in {share:.0%} of its values"


def equal(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors of one dtype and shape are the same bit for bit: NaN equals itself, -0.0 is not 0.0."""
    return bool(torch.equal(_bits(one.detach()), _bits(other.detach())))


def largest(tensor: Tensor) -> float:
    """The largest magnitude; 0 for a tensor without values."""
    return tensor.abs().max().item() if tensor.numel() else 0.0


def _is_poison(tensor: Tensor) -> bool:
    if tensor.is_floating_point():
        return bool(tensor.isnan().all())
    return bool(tensor.dtype != torch.bool and (tensor == torch.iinfo(tensor.dtype).max).all())


def _namesake(name: str, natives: Mapping[str, Tensor], loaded: Tensor) -> str | None:
    """The other native tensor that this one equals; one value alone says nothing."""
    if loaded.numel() == 1:
        return None
    alike = (
        other
        for other, tensor in natives.items()
        if other != name and tensor.shape == loaded.shape and tensor.dtype == loaded.dtype
    )
    return next((other for other in alike if equal(natives[other], loaded)), None)


def _bits(tensor: Tensor) -> Tensor:
    """The tensor as integers."""
    return tensor.contiguous().view(INTEGERS[tensor.element_size()]) if tensor.is_floating_point() else tensor
