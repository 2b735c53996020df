"""Whether a pin can be moved, by what was measured of both ends."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from . import entry as entries
from . import names
from .answer import GOOD, Part, Releases, State
from .asking import LANE, asked_for, opened, spelled
from .measured import SHOWN, Atlas


class Kind(StrEnum):
    """What a move changes for a model on a route."""

    BREAKS = "newly broken"
    NEEDS = "newly needs a remedy"
    UNKNOWN = "not known"
    MENDED = "mended"
    SAME = "as before"


HARM: Final = frozenset({Kind.BREAKS, Kind.NEEDS})


@dataclass(frozen=True)
class Change:
    """What is known of a model on a route at both ends, and what the move changes."""

    kind: Kind
    old: Part
    new: Part


@dataclass(frozen=True)
class Move:
    """A move from one pair to another in a lane; `nearest` are the nearest ends that change nothing for worse."""

    start: Releases
    end: Releases
    lane: str
    changes: tuple[Change, ...]
    nearest: tuple[Releases, ...] = ()

    def of(self, kind: Kind) -> list[Change]:
        """The changes of a kind."""
        return [change for change in self.changes if change.kind is kind]

    @property
    def exit_code(self) -> int:
        """1 if something breaks or newly needs a remedy, else 4 if something is not known, or nothing is, else 0."""
        if any(change.kind in HARM for change in self.changes):
            return 1
        return 4 if self.of(Kind.UNKNOWN) or not self.changes else 0


def move(  # noqa: PLR0913  what can be asked
    start: Releases,
    end: Releases,
    models: Sequence[str] = (),
    routes: Sequence[str] = (),
    *,
    lane: str = LANE,
    folder: Path = entries.PACKAGED,
) -> Move:
    """What moving from one pair to another changes. A model that the old timm lacks is left out.

    Raises BadInput as `ask` does.
    """
    atlas = opened(folder, lane)
    start, end = spelled(atlas, *start), spelled(atlas, *end)
    asked = asked_for(atlas, end, models, routes)
    changes = tuple(_changes(atlas, start, end, asked))
    found = Move(start, end, lane, changes)
    return replace(found, nearest=tuple(_nearest(atlas, found, asked))) if found.exit_code else found


def _changes(atlas: Atlas, start: Releases, end: Releases, asked: Mapping[str, Sequence[str]]) -> Iterator[Change]:
    known = names.catalog_of(start[1])
    there = {route: [model for model in models if known.get(model)] for route, models in asked.items()}
    for old, new in zip(atlas.parts(start, there), atlas.parts(end, there), strict=True):
        yield Change(_kind(old, new), old, new)


def _kind(old: Part, new: Part) -> Kind:
    """What a move changes, by the state at both ends."""
    if new.state is State.UNKNOWN or (old.state is State.UNKNOWN and new.state is not State.WORKS):
        return Kind.UNKNOWN
    if old.state in GOOD and new.state not in GOOD:
        return Kind.BREAKS
    if old.state in GOOD and set(new.mended) - set(old.mended):
        return Kind.NEEDS
    if old.state in {State.BROKEN, State.REMEDY} and (new.state is State.WORKS or new.state is not old.state):
        return Kind.MENDED if new.state in GOOD else Kind.SAME
    return Kind.SAME


def _nearest(atlas: Atlas, found: Move, asked: Mapping[str, Sequence[str]]) -> Iterator[Releases]:
    """The measured pairs nearest to the end to which the move would change nothing for worse."""
    shown = 0
    for other in atlas.by_distance(found.end):
        if other in {found.start, found.end}:
            continue
        if Move(found.start, other, found.lane, tuple(_changes(atlas, found.start, other, asked))).exit_code == 0:
            yield other
            shown += 1
        if shown == SHOWN:
            return
