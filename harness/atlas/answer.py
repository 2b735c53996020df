"""What is known of a pair, part by part."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

LANE: Final = "cpu-float32"
"""The lane that is asked about unless another is named."""
Releases = tuple[str, str]
"""A release of transformers and one of timm."""
ANY: Final = "any model"
"""Stands for the models of a route on which none was measured."""


class State(StrEnum):
    """What is known of a model on a route."""

    WORKS = "works"
    REMEDY = "works with a remedy"
    UNSUPPORTED = "unsupported"
    BROKEN = "broken"
    UNKNOWN = "not known"


WORST_FIRST: Final = (State.BROKEN, State.UNKNOWN, State.REMEDY, State.WORKS, State.UNSUPPORTED)
GOOD: Final = frozenset({State.WORKS, State.REMEDY})


def worst(states: Iterable[State]) -> State:
    """The state of several together; not known if there is none."""
    there = frozenset(states)
    return next((state for state in WORST_FIRST if state in there), State.UNKNOWN)


@dataclass(frozen=True)
class Part:
    """The answer for one model on one route.

    `measured` is the model that was run: itself, or one of its kind. `rules` say why it is broken, `mended` what else
    is not green and has a remedy that holds, `changed` why timm computes otherwise than older releases. `because` says
    what no rule explains, why it is unsupported, or why nothing is known. `basis` says how it is known.
    """

    route: str
    model: str
    state: State
    measured: str = ""
    rules: tuple[str, ...] = ()
    mended: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    because: str = ""
    basis: str = ""

    @property
    def same(self) -> tuple[State, tuple[str, ...], tuple[str, ...], str]:
        """What two measured pairs must have in common to tell of one between them."""
        return self.state, self.rules, self.mended, self.because


@dataclass(frozen=True)
class Answer:
    """The answer for a pair in a lane, by route and model.

    `nearest` are pairs that are good for all that was asked. `is_measured` says whether the pair itself was measured.
    """

    transformers: str
    timm: str
    lane: str
    parts: tuple[Part, ...]
    nearest: tuple[Releases, ...]
    is_measured: bool = True

    @property
    def state(self) -> State:
        """Broken if anything is, else not known if anything is; unsupported only if nothing else was asked for."""
        return worst(part.state for part in self.parts)

    @property
    def exit_code(self) -> int:
        """1 if something is broken or nothing that was asked for is supported, 4 if something is not known, else 0."""
        return {State.BROKEN: 1, State.UNSUPPORTED: 1, State.UNKNOWN: 4}.get(self.state, 0)
