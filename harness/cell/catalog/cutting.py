"""Finds how a model can be made slim: the fewest blocks, and two of one that repeats; then the smallest input.

With one of each distinct block, nothing tells hidden states in a wrong order from the right one, nor blocks that share
weights or have exchanged them. Done once for a timm release, on the meta device, when its catalog is made.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import torch
from torch import nn

from ...contract.catalog import Cut
from ..models.slim import Call, build, constructor_of
from .stages import Levels, Stages
from .structure import structure

SIZES: Final = (56, 64, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 768, 1024)
CHANNELS: Final = 3
MAP_DIMS: Final = 4  # a feature map is (batch, channels, height, width), or channels-last
NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
UNCUT: Final = "no argument of its constructor leaves one of each distinct block"
NONE_TWICE: Final = "no argument of its constructor leaves two of a block that repeats"


def cut(model: str) -> Cut:
    """Find how `model` is made slim.

    `fallback` says why it stays whole, if no cut keeps every distinct block; or why none that repeats is there twice.
    """
    full, call = observed(model)
    args, fallback = _fewest_blocks(model, full, call)
    slim = build(model, args)
    args, side = _smallest_input(model, args, slim, call)
    slim = build(model, args)
    return Cut(args, (CHANNELS, side, side), parameters(slim), is_creatable(model, args, slim), fallback)


def is_creatable(model: str, args: Mapping[str, Any], module: nn.Module) -> bool:
    """Whether `timm.create_model` makes of these arguments the module that the constructor makes of them."""
    created = try_build(model, {}, **args)
    return created is not None and structure(created) == structure(module)


def parameters(module: nn.Module) -> int:
    """The number of parameters of a module."""
    return sum(parameter.numel() for parameter in module.parameters())


def observed(model: str, args: Mapping[str, Any] = NOTHING) -> tuple[nn.Module, Call]:
    """A model that is cut by `args`, and the call of its constructor that timm makes."""
    calls: list[Call] = []

    def observe(call: Call) -> Mapping[str, Any]:
        calls.append(call)
        return args

    with constructor_of(model, observe):
        return build(model, {}), calls[0]


def _fewest_blocks(model: str, full: nn.Module, call: Call) -> tuple[dict[str, Any], str | None]:
    """The arguments for the fewest blocks that keep the full structure and one block twice; and why they do not.

    Stages are cut alike, then each by itself, and then the cheapest grows until a block of it repeats.
    """
    stages = Stages(call)
    full_structure = structure(full)

    @functools.cache
    def cost(levels: Levels) -> int | None:
        shorter = try_build(model, stages.shortened(levels))
        return parameters(shorter) if shorter is not None and structure(shorter) == full_structure else None

    def fits(levels: Levels) -> bool:
        return cost(levels) is not None

    uniform = ((*stages.occurring(times), *stages.linked) for times in range(1, max(stages.depths, default=0) + 1))
    levels = next(filter(fits, uniform), None)
    if levels is None:
        return {}, UNCUT
    levels = lowest(levels, len(stages.linked), fits)
    if levels[: len(stages.depths)] == stages.depths:
        return stages.shortened(levels), None
    repeating = with_a_repeat(levels, stages.depths, stages.main, cost)
    return stages.shortened(repeating or levels), None if repeating else NONE_TWICE


def lowest(levels: Levels, linked: int, fits: Callable[[Levels], bool]) -> Levels:
    """Lower `levels` one by one as far as `fits` allows, each of the last `linked` ones together with its stage."""
    while (lower := next(filter(fits, _lower(levels, linked)), None)) is not None:
        levels = lower
    return levels


def with_a_repeat(levels: Levels, depths: Levels, main: int, cost: Callable[[Levels], int | None]) -> Levels | None:
    """The `levels` with one stage grown until a block repeats in it; None if none can grow.

    `cost` is the number of parameters, or None if a distinct block is lost or gained. So a block repeats where a stage
    costs more. The stage that costs least grows: one of the first `main`, whose outputs are hidden states, if one can.
    """
    least = cost(levels) or 0

    def grown(at: int) -> tuple[int, Levels] | None:
        for level in range(levels[at] + 1, depths[at] + 1):
            stack = _replaced(levels, {at: level})
            price = cost(stack)
            if price is not None and price > least:
                return price, stack
        return None

    for part in (range(main), range(main, len(depths))):
        if stacks := list(filter(None, map(grown, part))):
            return min(stacks, key=lambda priced: priced[0])[1]
    return None


def _lower(levels: Levels, linked: int) -> Iterator[Levels]:
    for at, level in enumerate(levels):
        if level > 1:
            yield _replaced(levels, {at: level - 1})
    for at in range(len(levels) - linked, len(levels)):
        stage = at - (len(levels) - linked)
        if levels[at] > 1:
            yield from (_replaced(levels, {at: levels[at] - 1, stage: shorter}) for shorter in range(1, levels[stage]))


def _replaced(levels: Levels, changes: Mapping[int, int]) -> Levels:
    return tuple(changes.get(at, level) for at, level in enumerate(levels))


def smallest_side(module: Any) -> int | None:
    """The side of the smallest square input that a built model accepts; None if it accepts only its own input size.

    The model loses its values: it moves to the meta device, where a forward pass takes no memory.
    """
    side = max(module.default_cfg["input_size"][1:])
    module = module.to("meta")
    return next((smaller for smaller in SIZES if smaller < side and runs(module, smaller)), None)


def _smallest_input(model: str, args: dict[str, Any], slim: nn.Module, call: Call) -> tuple[dict[str, Any], int]:
    """The smallest side that the model accepts without losing a mask, a shift or a block, and the arguments for it."""
    side = max(slim.default_cfg["input_size"][1:])
    slim_structure = structure(slim, sizes=False)
    for smaller in SIZES:
        if smaller >= side:
            break
        changed = {**args, "img_size": smaller} if call.takes("img_size") else args
        resized = try_build(model, changed)
        if resized is not None and structure(resized, sizes=False) == slim_structure and runs(resized, smaller):
            return changed, smaller
    return args, side


def try_build(model: str, args: Mapping[str, Any], **kwargs: Any) -> nn.Module | None:
    """Build a model's shapes with other arguments; None if its constructor refuses them."""
    try:
        return build(model, args, **kwargs)
    except Exception:  # noqa: BLE001  a constructor may refuse a cut with any exception
        return None


def runs(module: Any, side: int) -> bool:
    """Whether a forward pass accepts the side and leaves a map of more than one position."""
    try:
        with torch.no_grad():
            features = module.forward_features(
                torch.empty(1, CHANNELS, side, side, device=next(module.parameters()).device)
            )
    except Exception:  # noqa: BLE001  a model may refuse an input with any exception
        return False
    return bool(features.dim() != MAP_DIMS or min(sorted(features.shape[1:])[:2]) > 1)
