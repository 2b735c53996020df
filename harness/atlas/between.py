"""What the measured pairs on either side of a pair tell of it, if the other package is the same with all three."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Final, NamedTuple

from ..config.pin_files.reading import PACKAGES
from .answer import Part, Releases, State

AXES: Final = (0, 1)  # of a pair's two releases: transformers moves, or timm
Measured = Callable[[Releases, str, str], Part | None]
"""What was measured of a pair, by route and model; None if nothing tells."""


class Ends(NamedTuple):
    """What the two nearest measured pairs say of those between them.

    `agreed` is what both say, or that they differ; `ruled` holds instead where a rule names releases between. Then it
    matters what rules say of `sides`, which are the two pairs; there are none if they differ.
    """

    agreed: Part
    ruled: Part
    sides: tuple[Releases, ...]


@dataclass(frozen=True, eq=False)
class Place:
    """A place among measured pairs that differ in one package: those below it and above it, the nearest first.

    It asks once what was `measured` of these.
    """

    axis: int
    below: tuple[Releases, ...]
    above: tuple[Releases, ...]
    measured: Measured
    _ends: dict[tuple[str, str], Ends | None] = field(default_factory=dict, init=False, repr=False)

    def ends(self, route: str, model: str) -> Ends | None:
        """What the nearest pairs tell of which something is known; None unless there is one on both sides."""
        key = (route, model)
        if key not in self._ends:
            self._ends[key] = self._asked(route, model)
        return self._ends[key]

    def _asked(self, route: str, model: str) -> Ends | None:
        (below, lower), (above, upper) = (
            next(((side, part) for side in sides if (part := self.measured(side, route, model))), (None, None))
            for sides in (self.below, self.above)
        )
        if below is None or above is None or lower is None or upper is None:
            return None
        between = f"{PACKAGES[self.axis]} {below[self.axis]} and {above[self.axis]} on either side"
        if lower.same != upper.same:
            differ = unknown(route, model, f"not measured; {between} differ: {lower.state} and {upper.state}")
            return Ends(differ, differ, ())
        why = f"not measured; {between} agree, and a rule of matrix.yaml names releases between"
        agreed = replace(lower, basis=f"not measured; {between} agree")
        return Ends(agreed, unknown(route, model, why), (below, above))


@cache
def unknown(route: str, model: str, because: str) -> Part:
    """That nothing is known of a model on a route."""
    return Part(route, model, State.UNKNOWN, because=because)
