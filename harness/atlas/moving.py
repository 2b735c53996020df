"""Whether a pin can be moved, by what was measured of both ends; and either kind of answer as JSON."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from ..contract.case import Size
from ..contract.routes import ROUTES
from . import names
from .answer import ANY, GOOD, LANE, Answer, Part, Releases, State
from .asking import asked_for, opened, spelled
from .entries import pair_files
from .entries.parts import AS_BEFORE
from .measured import Atlas
from .rules import KnownCause, known

TOWER: Final = "tower"
"""The route on which timm is compared with older releases of itself."""


class Kind(StrEnum):
    """What a move changes for a model on a route."""

    BREAKS = "newly broken"
    GONE = "gone"  # works, and the new pair has not the model, or does not support it
    NEEDS = "newly needs a remedy"
    UNKNOWN = "not known"
    OTHERWISE = "broken otherwise"
    STILL = "broken as before"
    LEFT = "gone, and broken before"
    MENDED = "mended"
    NEW = "new"  # supported or there at the end alone
    WORKS_THERE = "works, before not known"
    SAME = "as before"


HARM: Final = frozenset({Kind.BREAKS, Kind.GONE, Kind.NEEDS})
NOT_GOOD: Final = HARM | {Kind.UNKNOWN}
"""A move with one of these ends with an exit code other than 0."""


@dataclass(frozen=True)
class Change:
    """What is known of a model on a route at both ends, and what the move changes."""

    kind: Kind
    old: Part
    new: Part

    @property
    def causes(self) -> tuple[str, ...]:
        """The rules that concern the end and not the start; of what is mended, those that it is rid of."""
        far, near = (self.new, self.old) if self.kind is not Kind.MENDED else (self.old, self.new)
        known = {*near.rules, *near.mended}
        return tuple(rule for rule in (*far.rules, *far.mended) if rule not in known)


@dataclass(frozen=True)
class Move:
    """A move from one pair to another in a lane.

    `numbers` are the models for which timm itself computes otherwise at the other end, with the rules that say why.
    `nearest` are the nearest ends that change nothing for worse.
    """

    start: Releases
    end: Releases
    lane: str
    changes: tuple[Change, ...]
    numbers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    nearest: tuple[Releases, ...] = ()

    def of(self, kind: Kind) -> list[Change]:
        """The changes of a kind."""
        return [change for change in self.changes if change.kind is kind]

    @property
    def exit_code(self) -> int:
        """1 if something changes for worse, else 4 if something is not known, or nothing was measured, else 0."""
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
    folder: Path = pair_files.PACKAGED,
) -> Move:
    """What moving from one pair to another changes, for the models of either end. Raises BadInput as `ask` does."""
    atlas = opened(folder, lane)
    start, end = spelled(atlas, *start), spelled(atlas, *end)
    asked = _of_both(atlas, (start, end), models, routes)
    found = _move(atlas, start, end, asked)

    def is_good(other: Releases) -> bool:  # no further than the first change that is not
        kinds = (change.kind for change in _changes(atlas, start, other, asked))
        return other not in {start, end} and all(kind not in NOT_GOOD for kind in kinds)

    bad = found.exit_code and found.changes
    return replace(found, nearest=tuple(atlas.nearest(end, is_good))) if bad else found


def between(atlas: Atlas, start: Releases, end: Releases) -> Move:
    """What moving between two pairs changes for all that was measured, without the nearest ends."""
    return _move(atlas, start, end, _of_both(atlas, (start, end), (), ()))


def _move(atlas: Atlas, start: Releases, end: Releases, asked: Mapping[str, Sequence[str]]) -> Move:
    numbers = _numbers(atlas.lane, start, end, asked)
    return Move(start, end, atlas.lane, tuple(_changes(atlas, start, end, asked)), numbers)


def _of_both(
    atlas: Atlas, ends: Sequence[Releases], models: Sequence[str], routes: Sequence[str]
) -> Mapping[str, Sequence[str]]:
    """The models of either end on each route. Raises BadInput for a glob that fits none of either."""
    if strange := [glob for glob in models if not any(names.fits_any(end[1], glob) for end in ends)]:
        names.named(ends[-1][1], strange)  # says what is near
    fitting = [(end, [glob for glob in models if names.fits_any(end[1], glob)]) for end in ends]
    asked = [asked_for(atlas, end, globs, routes) for end, globs in fitting if globs or not models]
    return {route: sorted({model for one in asked for model in one[route]}) for route in asked[0]}


def _changes(atlas: Atlas, start: Releases, end: Releases, asked: Mapping[str, Sequence[str]]) -> Iterator[Change]:
    for old, new in zip(atlas.parts(start, asked), atlas.parts(end, asked), strict=True):
        yield Change(kind_of(old, new), old, new)


def kind_of(old: Part, new: Part) -> Kind:  # noqa: PLR0911  a kind each
    """What a move changes, by what is known of both ends."""
    if new.state is State.UNSUPPORTED and old.state is not State.UNKNOWN:
        return Kind.GONE if old.state in GOOD else Kind.LEFT if old.state is State.BROKEN else Kind.SAME
    if old.state is State.UNSUPPORTED:
        return Kind.UNKNOWN if new.state is State.UNKNOWN else Kind.NEW
    if old.state is State.UNKNOWN and new.state is State.WORKS:
        return Kind.WORKS_THERE
    if State.UNKNOWN in {old.state, new.state}:
        return Kind.UNKNOWN
    if old.state is State.BROKEN:
        if new.state in GOOD:
            return Kind.MENDED
        return Kind.OTHERWISE if set(new.rules) - set(old.rules) or new.because != old.because else Kind.STILL
    if new.state is State.BROKEN:
        return Kind.BREAKS
    if set(new.mended) - set(old.mended):
        return Kind.NEEDS
    return Kind.MENDED if set(old.mended) - set(new.mended) else Kind.SAME


def _numbers(
    lane: str, start: Releases, end: Releases, asked: Mapping[str, Sequence[str]]
) -> Mapping[str, tuple[str, ...]]:
    """By model of both timms, the rules for what timm computes otherwise from a release between them on."""
    low, high = sorted((start[1], end[1]), key=Version)
    crossed = {
        rule.id for rule in known().values() if (first := _first(rule)) and Version(low) < first <= Version(high)
    }
    found = {}
    for model in sorted({model for route, models in asked.items() if ROUTES[route].has_timm for model in models}):
        there = model != ANY and names.has(low, model) is not False
        if there and (differ := names.causes_of(high, TOWER, model, Size.NARROW, lane) & crossed):
            found[model] = tuple(sorted(differ))
    return found


def _first(rule: KnownCause) -> Version | None:
    """The release from which on timm computes otherwise by a rule; None for a rule about anything else."""
    if not rule.scenarios or tuple(rule.scenarios) != (AS_BEFORE,):
        return None
    firsts = (one.version for one in SpecifierSet(rule.timm or "") if one.operator in {">=", "=="})
    return max(map(Version, firsts), default=None)


def as_json(found: Answer | Move) -> str:
    """The whole answer, with the causes that it names."""
    parts = found.parts if isinstance(found, Answer) else [change.new for change in found.changes]
    named = {rule for part in parts for rule in (*part.rules, *part.mended, *part.changed)}
    causes = {rule: asdict(cause) for rule, cause in known().items() if rule in named}
    said = {"state": found.state} if isinstance(found, Answer) else {"exit_code": found.exit_code}
    content: Mapping[str, Any] = {**said, **asdict(found), "causes": causes}
    return json.dumps(content, indent=1)
