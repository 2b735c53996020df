"""Reads the stages of a model from its constructor's arguments, and writes arguments for fewer blocks in each."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

from ..models.slim import BLOCKS, Call

# The constructor arguments by which timm's architectures say how many blocks there are; the main stack comes first.
DEPTHS: Final = ("depths", "depth", "layers", "num_blocks_list", "num_blocks", "stages", "depth_token_only")
LINKED: Final = "attn_groups"  # how many of a stage's blocks attend: falls with its depth
GLOBAL: Final = "global_att_blocks"  # positions in the whole stack, which move when a stage is cut

Levels = tuple[int, ...]
"""The number of blocks of each stage, followed by the numbers linked to them."""


class Stages:
    """The stages of one model: how many blocks each has in full, and how fewer are asked for."""

    def __init__(self, call: Call) -> None:
        self.call = call

    @cached_property
    def depths(self) -> Levels:
        """The number of blocks of each stage of the full model; empty if no argument says it."""
        return tuple(map(len, self._blocks))

    @cached_property
    def linked(self) -> Levels:
        """The numbers linked to the last stages."""
        return () if self.call.get(BLOCKS) is not None else tuple(self.call.get(LINKED) or ())

    @cached_property
    def main(self) -> int:
        """The number of stages of the main stack; another may read its output, as that of CaiT's class token does."""
        blocks = self.call.get(BLOCKS)
        return len(self._depths[0][1]) if blocks is None else len(blocks)

    def occurring(self, times: int) -> Levels:
        """The number of blocks of each stage in which each block that its arguments make occurs `times` at most."""
        return tuple(sum(earlier < times for earlier in _earlier(stage)) for stage in self._blocks)

    def shortened(self, levels: Levels) -> dict[str, Any]:
        """The constructor's arguments for stages of `levels` blocks."""
        blocks = self.call.get(BLOCKS)
        if blocks is not None:
            return {BLOCKS: [_kept(stage, level) for stage, level in zip(blocks, levels, strict=True)]}
        remaining = iter(levels)
        args: dict[str, Any] = {}
        for name, depths in self._depths:
            shorter = [next(remaining) for _ in depths]
            if isinstance(self.call.get(name), int):
                args |= self._with_lists(name, depths[0], shorter[0])
            else:
                args[name] = shorter
                if self.call.get(GLOBAL) is not None:
                    args[GLOBAL] = _moved(self.call.get(GLOBAL), depths, shorter)
        if linked := list(remaining):
            args[LINKED] = linked
        return args

    @cached_property
    def _depths(self) -> list[tuple[str, list[int]]]:
        depths = []
        for name in DEPTHS:
            value = self.call.get(name)
            if isinstance(value, int):
                depths.append((name, [value]))
            elif isinstance(value, list | tuple) and value and all(isinstance(item, int) for item in value):
                depths.append((name, list(value)))
        return depths

    @cached_property
    def _blocks(self) -> list[Sequence[Any]]:
        """What the arguments say of each block of each stage; blocks of which they say nothing are alike."""
        blocks = self.call.get(BLOCKS)
        if blocks is not None:
            return list(blocks)
        stages: list[Sequence[Any]] = []
        for name, depths in self._depths:
            lists = self._lists(depths[0]) if isinstance(self.call.get(name), int) else {}
            stages += [list(zip(*lists.values(), strict=True))] if lists else [[None] * depth for depth in depths]
        return stages

    def _lists(self, depth: int) -> dict[str, list[Any]]:
        """The arguments with an item for each of `depth` blocks."""
        return {
            name: list(value)
            for name, value in self.call.arguments.items()
            if isinstance(value, list | tuple) and len(value) == depth > 1
        }

    def _with_lists(self, name: str, depth: int, level: int) -> dict[str, Any]:
        """The argument for a shorter depth, and those with an item for each block."""
        lists = self._lists(depth)
        positions = _kept(list(zip(*lists.values(), strict=True)), level)
        return {name: level, **{other: [value[at] for at in positions] for other, value in lists.items()}}


def _kept(stage: Sequence[Any], level: int) -> list[int]:
    """Positions of `level` blocks: of the first of each distinct block, then of the second, and so on."""
    return sorted(sorted(range(len(stage)), key=_earlier(stage).__getitem__)[:level])


def _earlier(stage: Sequence[Any]) -> list[int]:
    """How many equal blocks come before each block of a stage."""
    return [stage[:at].count(block) for at, block in enumerate(stage)]


def _moved(positions: Sequence[int], depths: Sequence[int], shorter: Sequence[int]) -> list[int]:
    """Positions moved to a shorter stack: a stage that holds any of them keeps one, at its end."""
    starts = [sum(depths[:stage]) for stage in range(len(depths))]
    holds = [any(start <= at < start + depth for at in positions) for start, depth in zip(starts, depths, strict=True)]
    return [sum(shorter[: stage + 1]) - 1 for stage, held in enumerate(holds) if held]
