"""Describes modules: those that differ only in how often a block repeats have equal descriptions.

Equal parameters do not make equal blocks: stride, shift, window, scan direction, a mask or a buffer can differ. So a
description has all that the constructor has set, and repeated children count once.
"""

import functools
from collections.abc import Hashable, Iterable
from typing import Any, Final

from torch import Tensor, nn

# Attributes that depend on a block's position in the stack, or that only training uses.
POSITIONAL: Final = frozenset(
    {"training", "depth", "depths", "num_layers", "num_blocks", "layer_idx", "stage_ends", "feature_info", "drop_prob"}
    | {"grad_checkpointing", "global_att_blocks", "q_pool_blocks", "lambda_init"}
)


def structure(module: nn.Module, *, sizes: bool = True) -> Hashable:
    """Describe a module: class, parameters, buffers, plain attributes, and its distinct children in order.

    With `sizes=False` numbers count only as 0, 1 or more, which stays the same when the input shrinks.
    """
    if _regularises(module):
        return "regularisation"
    describe = functools.partial(_plain, sizes=sizes)
    tensors = [
        (name, describe(_shape(module, tensor)), str(tensor.dtype), kind)
        for kind, named in (
            ("parameter", module.named_parameters(recurse=False)),
            ("buffer", module.named_buffers(recurse=False)),
        )
        for name, tensor in named
    ]
    absent = sorted(name for name, value in {**module._parameters, **module._buffers}.items() if value is None)  # noqa: SLF001
    attributes = sorted(
        (name, described)
        for name, value in vars(module).items()
        if not name.startswith("_") and name not in POSITIONAL
        for described in [repr(describe(value))]
    )
    children = _distinct(
        (None if isinstance(module, nn.Sequential | nn.ModuleList) else name, structure(child, sizes=sizes))
        for name, child in module.named_children()
    )
    kind = type(module)
    return (f"{kind.__module__}.{kind.__qualname__}", tuple(tensors), tuple(absent), tuple(attributes), children)


def _regularises(module: nn.Module) -> bool:
    # DropPath is an Identity in the first block and a module in the last: neither loads or computes anything.
    return isinstance(module, nn.Identity) or "Drop" in type(module).__name__


def _distinct(described: Iterable[Hashable]) -> tuple[Hashable, ...]:
    return tuple(dict.fromkeys(described))


def _shape(module: nn.Module, tensor: Tensor) -> tuple[int, ...]:
    """The shape; the size of one slice for a tensor with a slice for each block, as mixed rotary frequencies have."""
    depth = getattr(module, "depth", None)
    sliced = isinstance(tensor, nn.Parameter) and next(module.children(), None) is None and depth in tensor.shape
    return (tensor.numel() // depth,) if sliced and isinstance(depth, int) else tuple(tensor.shape)


def _plain(value: Any, *, sizes: bool) -> Hashable:
    """Describe an attribute: a plain value by itself, a function by its name, any other object by its type."""
    if isinstance(value, bool | str | bytes) or value is None:
        return value
    if isinstance(value, int | float):
        return value if sizes else min(max(value, 0), 2) if isinstance(value, int) else "float"
    if isinstance(value, list | tuple):
        return tuple(_plain(item, sizes=sizes) for item in value)
    if isinstance(value, functools.partial):
        return _plain(value.func, sizes=sizes)
    return getattr(value, "__qualname__", type(value).__qualname__)
