"""Finds how a model can be made slim: the fewest blocks, then the smallest input, that keep every distinct block.

Done once for a timm release, on the meta device, when its catalog is made.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import timm
import torch
from torch import nn

from ...contract.catalog import Slim
from .slim import BLOCKS, Call, constructor_of, create_cut
from .structure import structure
from .weights import uninitialised

# The constructor arguments by which timm's architectures say how many blocks there are.
DEPTHS: Final = ("depths", "depth", "layers", "num_blocks_list", "num_blocks", "stages", "depth_token_only")
LINKED: Final = "attn_groups"  # how many of a stage's blocks attend: falls with its depth
GLOBAL: Final = "global_att_blocks"  # positions in the whole stack, which move when a stage is cut
SIZES: Final = (56, 64, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 768, 1024)
CHANNELS: Final = 3
MAP_DIMS: Final = 4  # a feature map is (batch, channels, height, width), or channels-last

Levels = tuple[int, ...]


def build(model: str, args: Mapping[str, Any], **kwargs: Any) -> nn.Module:
    """Build a model's shapes without values, replacing some of its constructor's arguments by `args`.

    Built on the meta device. A model whose constructor reads a tensor (before 1.0.21, drop rates come from one) is
    built on the CPU, where memory that is never written takes no space.
    """
    try:
        return _build_on("meta", model, args, **kwargs)
    except (RuntimeError, TypeError):
        return _build_on("cpu", model, args, **kwargs)


def _build_on(device: str, model: str, args: Mapping[str, Any], **kwargs: Any) -> nn.Module:
    with torch.device(device), uninitialised():
        return create(model, args, **kwargs).eval()


def create(model: str, args: Mapping[str, Any], **kwargs: Any) -> nn.Module:
    """Create a model with its constructor's own values, replacing some of the constructor's arguments by `args`."""
    module: nn.Module = create_cut(model, args, **kwargs) if args else timm.create_model(model, **kwargs)
    return module


def cut(model: str) -> Slim:
    """Find how `model` is made slim. If no cut keeps every distinct block it stays whole, and `fallback` says so."""
    full, call = _observed(model)
    args = _fewest_blocks(model, full, call)
    fallback = None if args else "no argument of its constructor leaves one of each distinct block"
    slim = build(model, args or {})
    args, side = _smallest_input(model, args or {}, slim, call)
    params = sum(parameter.numel() for parameter in build(model, args).parameters())
    return Slim(args, (CHANNELS, side, side), params, is_creatable(model, args), fallback)


def is_creatable(model: str, args: Mapping[str, Any]) -> bool:
    """Whether `timm.create_model` makes the same model of these arguments as the constructor does."""
    created = _try(model, {}, **args)
    return created is not None and structure(created) == structure(build(model, args))


def _observed(model: str) -> tuple[nn.Module, Call]:
    calls: list[Call] = []

    def observe(call: Call) -> Mapping[str, Any]:
        calls.append(call)
        return {}

    with constructor_of(model, observe):
        return build(model, {}), calls[0]


def _fewest_blocks(model: str, full: nn.Module, call: Call) -> dict[str, Any] | None:
    """The arguments for the fewest blocks that keep the full structure: stages are cut alike, then each by itself."""
    depths, linked = _stages(call)
    if not depths:
        return None
    full_structure = structure(full)

    def fits(levels: Levels) -> bool:
        shorter = _try(model, _shortened(call, levels))
        return shorter is not None and structure(shorter) == full_structure

    uniform = ((*(min(level, depth) for depth in depths), *linked) for level in range(1, max(depths) + 1))
    levels = next(filter(fits, uniform), None)
    return None if levels is None else _shortened(call, lowest(levels, len(linked), fits))


def lowest(levels: Levels, linked: int, fits: Callable[[Levels], bool]) -> Levels:
    """Lower `levels` one by one as far as `fits` allows, each of the last `linked` ones together with its stage."""
    while (lower := next(filter(fits, _lower(levels, linked)), None)) is not None:
        levels = lower
    return levels


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


def _stages(call: Call) -> tuple[Levels, Levels]:
    """The number of blocks of each stage by the constructor's arguments, and the numbers linked to them."""
    blocks = call.get(BLOCKS)
    if blocks is not None:
        return tuple(map(len, blocks)), ()
    linked = tuple(call.get(LINKED) or ())
    return tuple(depth for _, depths in _depths(call) for depth in depths), linked


def _depths(call: Call) -> list[tuple[str, list[int]]]:
    depths = []
    for name in DEPTHS:
        value = call.get(name)
        if isinstance(value, int):
            depths.append((name, [value]))
        elif isinstance(value, list | tuple) and value and all(isinstance(item, int) for item in value):
            depths.append((name, list(value)))
    return depths


def _shortened(call: Call, levels: Levels) -> dict[str, Any]:
    """The constructor's arguments for a stack with `levels` blocks in its stages."""
    blocks = call.get(BLOCKS)
    if blocks is not None:
        return {BLOCKS: [_first_of_each(stage, level) for stage, level in zip(blocks, levels, strict=True)]}
    remaining = iter(levels)
    args: dict[str, Any] = {}
    for name, depths in _depths(call):
        shorter = [next(remaining) for _ in depths]
        if isinstance(call.get(name), int):
            args |= _with_lists(call, name, depths[0], shorter[0])
        else:
            args[name] = shorter
            if call.get(GLOBAL) is not None:
                args[GLOBAL] = _moved(call.get(GLOBAL), depths, shorter)
    if linked := list(remaining):
        args[LINKED] = linked
    return args


def _with_lists(call: Call, name: str, depth: int, level: int) -> dict[str, Any]:
    """The argument for a shorter depth, and those with an item for each block."""
    lists = {
        other: list(value)
        for other, value in call.arguments.items()
        if isinstance(value, list | tuple) and len(value) == depth > 1
    }
    if not lists:
        return {name: level}
    blocks = _first_of_each(list(zip(*lists.values(), strict=True)), level)
    return {name: len(blocks), **{other: [value[at] for at in blocks] for other, value in lists.items()}}


def _first_of_each(stage: Sequence[Any], times: int) -> list[int]:
    """Positions of the first `times` occurrences of each distinct block."""
    return [at for at, block in enumerate(stage) if stage[:at].count(block) < times]


def _moved(positions: Sequence[int], depths: Sequence[int], shorter: Sequence[int]) -> list[int]:
    """Positions moved to a shorter stack: a stage that holds any of them keeps one, at its end."""
    starts = [sum(depths[:stage]) for stage in range(len(depths))]
    holds = [any(start <= at < start + depth for at in positions) for start, depth in zip(starts, depths, strict=True)]
    return [sum(shorter[: stage + 1]) - 1 for stage, held in enumerate(holds) if held]


def smallest_side(module: Any) -> int | None:
    """The side of the smallest square input that a built model accepts; None if it accepts only its own input size.

    The model loses its values: it moves to the meta device, where a forward pass takes no memory.
    """
    side = max(module.default_cfg["input_size"][1:])
    module = module.to("meta")
    return next((smaller for smaller in SIZES if smaller < side and _runs(module, smaller)), None)


def _smallest_input(model: str, args: dict[str, Any], slim: nn.Module, call: Call) -> tuple[dict[str, Any], int]:
    """The smallest side that the model accepts without losing a mask, a shift or a block, and the arguments for it."""
    side = max(slim.default_cfg["input_size"][1:])
    slim_structure = structure(slim, sizes=False)
    for smaller in SIZES:
        if smaller >= side:
            break
        changed = {**args, "img_size": smaller} if call.takes("img_size") else args
        resized = _try(model, changed)
        if resized is not None and structure(resized, sizes=False) == slim_structure and _runs(resized, smaller):
            return changed, smaller
    return args, side


def _try(model: str, args: Mapping[str, Any], **kwargs: Any) -> nn.Module | None:
    try:
        return build(model, args, **kwargs)
    except Exception:  # noqa: BLE001  a constructor may refuse a cut with any exception
        return None


def _runs(module: Any, side: int) -> bool:
    """Whether a forward pass accepts the side and leaves a map of more than one position."""
    try:
        with torch.no_grad():
            features = module.forward_features(
                torch.empty(1, CHANNELS, side, side, device=next(module.parameters()).device)
            )
    except Exception:  # noqa: BLE001  a model may refuse an input with any exception
        return False
    return bool(features.dim() != MAP_DIMS or min(sorted(features.shape[1:])[:2]) > 1)
