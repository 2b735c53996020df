"""Finds how a slim model can be made narrow as well: the same modules and blocks, with as little width as they take.

Arguments that are numbers of heads or groups, and divisors, stay as they are. Done with the catalog, on the meta
device, as cutting is.
"""

import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from torch import nn

from ...contract.catalog import Cut, Narrow
from ..models.layer_scales import layer_scales
from ..models.slim import BLOCKS, DIVISOR, WIDTH, Call
from .cutting import is_creatable, observed, parameters, runs, try_build
from .structure import structure

LEAST: Final = 16
"""The least width: of fewer values nobody can tell whether they were drawn anew."""
WORTHWHILE: Final = 0.75
"""The share of a slim model's parameters below which a narrow form is worth having."""
WIDTHS: Final = (
    *("embed_dim", "embed_dims", "dims", "channels", "num_init_features", "growth_rates"),
    *("stem_width", "stem_size", "num_features"),
)
"""The arguments of timm's constructors that are numbers of channels."""
HEADS: Final = ("num_heads", "heads")
HEAD: Final = 4
"""A head has a multiple of so many channels: rotary embeddings of two dimensions need it."""


def narrow(model: str, slim: Cut) -> Narrow | None:
    """The slim form of `model`, made narrow; None if its constructor takes no less width without losing a block."""
    slim_module, call = observed(model, slim.args)
    widths = {name: value for name in WIDTHS if _numbers(value := call.get(name))}
    blocks = [block[WIDTH] for stage in call.get(BLOCKS) or () for block in stage]
    for divisor in _divisors([*(number for value in widths.values() for number in _numbers(value)), *blocks]):
        less = {name: _divided(value, divisor) for name, value in widths.items()}
        args = {**slim.args, **less, **({DIVISOR: divisor} if blocks else {})}
        narrowed = try_build(model, args) if _fits_heads(call, less) else None
        if narrowed and is_alike(slim_module, narrowed, slim) and is_creatable(model, args, narrowed) == slim.creatable:
            return Narrow(args, parameters(narrowed))
    return None


def _divisors(widths: Sequence[int]) -> Iterator[int]:
    """The common divisors that leave each width LEAST or more, the largest first."""
    most = min(widths, default=0) // LEAST
    common = math.gcd(*widths)
    return (divisor for divisor in range(most, 1, -1) if common % divisor == 0)


def _numbers(value: Any) -> tuple[int, ...]:
    """The widths in an argument; none if it is no number, or no sequence of numbers."""
    values = tuple(value) if isinstance(value, list | tuple) else (value,)
    is_width = all(isinstance(number, int) and not isinstance(number, bool) and number > 0 for number in values)
    return values if is_width else ()


def _divided(value: Any, divisor: int) -> Any:
    return [number // divisor for number in value] if isinstance(value, list | tuple) else value // divisor


def _fits_heads(call: Call, widths: Mapping[str, Any]) -> bool:
    """Whether each number of heads divides its width. One number is of all widths; one width is of the first number."""
    heads = next(filter(None, (_numbers(call.get(name)) for name in HEADS)), ())
    dims = next((_numbers(widths[name]) for name in WIDTHS if name in widths), ())
    heads = heads * len(dims) if len(heads) == 1 else heads
    return all(width % (HEAD * number) == 0 for width, number in zip(dims, heads, strict=False))


def is_alike(slim_module: nn.Module, narrowed: nn.Module, slim: Cut) -> bool:
    """Whether two models differ in width alone: in modules, names, traits and which blocks repeat they are the same."""
    return (
        structure(narrowed, sizes=False) == structure(slim_module, sizes=False)
        and _facts(narrowed) == _facts(slim_module)
        and parameters(narrowed) < WORTHWHILE * slim.params
        and (runs(narrowed, slim.input_size[1]) or not runs(slim_module, slim.input_size[1]))  # on the meta device
    )


def _facts(module: nn.Module) -> tuple[Any, ...]:
    """Every module with its class, every tensor by name, the LayerScales, and which children equal an earlier one."""
    described = functools.cache(structure)
    repeats = []
    for name, part in module.named_modules():
        children = [described(child) for child in part.children()]
        repeats.append((name, [children.index(child) for child in children]))
    return (
        [(name, type(part)) for name, part in module.named_modules()],
        [name for name, _ in module.named_parameters()],
        [name for name, _ in module.named_buffers()],
        list(module.state_dict()),
        sorted(layer_scales(module)),
        repeats,
    )
