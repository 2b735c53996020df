"""The feature maps of a timm backbone, of which a detector takes all or some."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from ..models.reference import ReferenceModel

MOST: Final = 5  # queries


@dataclass(frozen=True)
class Levels:
    """The feature maps of a timm backbone that a detector takes: their indices, channels, strides and cells."""

    indices: tuple[int, ...]
    channels: tuple[int, ...]
    strides: tuple[int, ...]
    sides: tuple[tuple[int, ...], ...]
    """Height and width of each map."""

    @classmethod
    def of(cls, reference: ReferenceModel) -> "Levels":
        """All levels of a model."""
        info: Any = reference.features.module.feature_info
        maps = list(reference.features.runs.first.values())
        channels = tuple(info.channels())
        return cls(
            tuple(reference.levels),
            channels,
            tuple(info.reduction()),
            tuple(_side(feature_map.shape[1:], count) for feature_map, count in zip(maps, channels, strict=True)),
        )

    def at(self, indices: Sequence[int]) -> "Levels":
        """Some of the levels, by their indices."""
        kept = [self.indices.index(index) for index in indices]
        return Levels(
            tuple(indices),
            tuple(self.channels[place] for place in kept),
            tuple(self.strides[place] for place in kept),
            tuple(self.sides[place] for place in kept),
        )

    def last(self, count: int) -> "Levels":
        """The last levels, as many as there are of `count`."""
        return self.at(self.indices[-count:])

    def halving(self, count: int) -> "Levels":
        """The last levels, at most `count`, of which each map has exactly half the height and width of the one before.

        Necks that add a map to the next one, enlarged, need that.
        """
        kept = 1
        for smaller, larger in pairwise(reversed(self.sides)):
            if larger != tuple(2 * side for side in smaller):
                break
            kept += 1
        return self.last(min(kept, count))

    @property
    def queries(self) -> int:
        """A few queries, at most one for each cell of the maps."""
        return min(MOST, sum(height * width for height, width in self.sides))


def _side(shape: Sequence[int], channels: int) -> tuple[int, ...]:
    """Height and width of a feature map of shape (channels, h, w), or (h, w, channels) as timm's Swin gives it."""
    return tuple(shape[1:] if shape[0] == channels else shape[:-1])
