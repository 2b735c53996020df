"""What the atlas knows of a pair: which models work on which routes, with what remedy, and if not, why."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Final

from packaging.version import InvalidVersion, Version

from ..config.errors import BadInput
from ..contract.catalog import BERT
from ..contract.routes import ROUTES
from . import entry as entries
from . import names
from .entry import Cause, LaneEntry, PairEntry, RouteEntry

LANE: Final = "cpu-float32"
AS_BEFORE: Final = "as before"
"""The scenario that compares timm with an older timm: what it finds is a change of numbers, and breaks nothing."""
AXES: Final = (0, 1)  # of a pair's two releases: transformers moves, or timm
PACKAGES: Final = ("transformers", "timm")
SHOWN: Final = 3

Releases = tuple[str, str]
"""A release of transformers and one of timm."""


class State(StrEnum):
    """What is known of a model on a route, the best first."""

    WORKS = "works"
    REMEDY = "works with a remedy"
    UNSUPPORTED = "unsupported"
    BROKEN = "broken"
    UNKNOWN = "not known"


GOOD: Final = frozenset({State.WORKS, State.REMEDY})


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
    """The answer for a pair in a lane, by route and model; `nearest` are pairs that are good for all that was asked."""

    transformers: str
    timm: str
    lane: str
    parts: tuple[Part, ...]
    nearest: tuple[Releases, ...]

    @property
    def state(self) -> State:
        """The worst of its parts; not known if there are none."""
        states = {part.state for part in self.parts}
        worst = (State.BROKEN, State.UNKNOWN, State.REMEDY, State.WORKS, State.UNSUPPORTED)
        return next((state for state in worst if state in states), State.UNKNOWN)

    @property
    def exit_code(self) -> int:
        """1 if something is broken, else 4 if something is not known, else 0."""
        return {State.BROKEN: 1, State.UNKNOWN: 4}.get(self.state, 0)


def ask(  # noqa: PLR0913  what can be asked
    transformers: str,
    timm: str,
    models: Sequence[str] = (),
    routes: Sequence[str] = (),
    *,
    lane: str = LANE,
    folder: Path = entries.PACKAGED,
) -> Answer:
    """What is known of a pair. `models` are names or globs of timm's models, all that were measured by default.

    Raises BadInput for a release that is none, a model, route or lane that is not there, and a file that was cut.
    """
    for name, version in zip(PACKAGES, (transformers, timm), strict=True):
        _refuse_strange(name, version)
    if unknown := [route for route in routes if route not in ROUTES]:
        raise BadInput(f"there is no route {', '.join(unknown)}; there are {', '.join(ROUTES)}")
    atlas, releases = Atlas(entries.read(folder), lane), (transformers, timm)
    there = sorted({name for pair in atlas.pairs.values() for name in pair.lanes})
    if there and lane not in there:
        raise BadInput(f"nothing was measured in a lane {lane}; there are {', '.join(there)}")
    named = names.named(timm, models)
    asked = {route: named if models else atlas.models(releases, route) for route in routes or atlas.routes}
    parts = tuple(atlas.parts(releases, asked))
    return Answer(transformers, timm, lane, parts, tuple(atlas.nearest(releases, asked)))


@dataclass(frozen=True)
class Atlas:
    """What was measured in one lane."""

    pairs: Mapping[Releases, PairEntry]
    lane: str

    @cached_property
    def lanes(self) -> Mapping[Releases, LaneEntry]:
        """The lane of each pair in which it was measured."""
        return {releases: pair.lanes[self.lane] for releases, pair in self.pairs.items() if self.lane in pair.lanes}

    @property
    def routes(self) -> list[str]:
        """The routes that were measured, in their usual order."""
        there = {route for lane in self.lanes.values() for route in lane.routes}
        return [route for route in ROUTES if route in there]

    def models(self, releases: Releases, route: str) -> Sequence[str]:
        """The models that stand for all of a timm on a route: those that were measured there, or with a near pair."""
        for other in sorted(self.lanes, key=lambda other: _distance(releases, other)):
            if results := self.lanes[other].routes.get(route):
                return results.models
        return ()

    def parts(self, releases: Releases, asked: Mapping[str, Sequence[str]]) -> Iterator[Part]:
        """The answer for each model on each route."""
        for route, models in asked.items():
            for model in models if ROUTES[route].has_timm else [BERT.model]:
                yield self.measured(releases, route, model) or self._between(releases, route, model)

    def measured(self, releases: Releases, route: str, model: str) -> Part | None:
        """What was measured of the pair itself; None if nothing was of this route or this model."""
        lane = self.lanes.get(releases)
        if lane is None:
            return None
        if lane.failed:
            return Part(route, model, State.BROKEN, because=lane.failed, basis=f"measured on {lane.day}")
        results = lane.routes.get(route)
        stands = results and names.stands_for(results.models, model, releases[1])
        if results is None or not stands or stands in results.open:
            return None
        return replace(_result(results, stands), model=model, basis=f"measured on {lane.day}")

    def _between(self, releases: Releases, route: str, model: str) -> Part:
        """What two measured pairs on either side agree on; not known otherwise."""
        for axis in AXES:
            sides = self._sides(releases, axis, route, model)
            if len(sides) == len(AXES):
                (below, one), (above, other) = sides
                ends = f"{PACKAGES[axis]} {below[axis]} and {above[axis]} on either side"
                if one.same == other.same:
                    return replace(one, basis=f"not measured; {ends} agree")
                why = f"not measured; {ends} differ: {one.state} and {other.state}"
                return Part(route, model, State.UNKNOWN, because=why)
        return Part(route, model, State.UNKNOWN, because="not measured, nor on either side of it")

    def _sides(self, releases: Releases, axis: int, route: str, model: str) -> list[tuple[Releases, Part]]:
        """The nearest measured pairs below and above, of which the other package is the same."""
        here = Version(releases[axis])
        found: dict[bool, tuple[Releases, Part]] = {}
        line = [other for other in self.lanes if other[1 - axis] == releases[1 - axis] and other != releases]
        for other in sorted(line, key=lambda other: abs(_rank(Version(other[axis])) - _rank(here))):
            part = self.measured(other, route, model)
            if part is not None:
                found.setdefault(Version(other[axis]) > here, (other, part))
        return [found[above] for above in (False, True) if above in found]

    def nearest(self, releases: Releases, asked: Mapping[str, Sequence[str]]) -> list[Releases]:
        """The measured pairs nearest to a pair that are good for all that was asked, those without remedies first."""
        good: list[tuple[int, float, Releases]] = []
        for other in self.lanes:
            states = {part.state for part in self.parts(other, asked)} - {State.UNSUPPORTED}
            if other != releases and states and states <= GOOD:
                good.append((len(states - {State.WORKS}), _distance(releases, other), other))
        return [other for _, _, other in sorted(good)[:SHOWN]]


def _result(results: RouteEntry, model: str) -> Part:
    """What was measured of a model on a route."""
    why = next((why for why, models in results.unsupported.items() if model in models), None)
    if why is not None:
        return Part(results.route, model, State.UNSUPPORTED, model, because=why.replace("MODEL", model))
    causes = [cause for cause in results.causes if model in cause.models]
    changed = [cause for cause in causes if cause.scenarios == (AS_BEFORE,) and cause.rules]
    broken = [cause for cause in causes if cause not in changed]
    found = next((cause.finding for cause in broken if cause.finding), "")
    stays = [cause for cause in broken if cause.finding or not cause.remedied]
    state = State.BROKEN if stays else State.REMEDY if broken else State.WORKS
    mended = [cause for cause in broken if cause not in stays]
    return Part(results.route, model, state, model, _rules(stays), _rules(mended), _rules(changed), found)


def _rules(causes: Iterable[Cause]) -> tuple[str, ...]:
    return tuple(sorted({rule for cause in causes for rule in cause.rules}))


def _refuse_strange(name: str, version: str) -> None:
    try:
        Version(version)
    except InvalidVersion:
        raise BadInput(f"{name}=={version} is no release; give one as in {name}==5.23.0") from None


def _distance(one: Releases, other: Releases) -> float:
    return sum(abs(_rank(Version(one[axis])) - _rank(Version(other[axis]))) for axis in AXES)


def _rank(version: Version) -> float:
    """A number that orders releases, and by which one minor release is as far as another."""
    major, minor, micro, *_ = (*version.release, 0, 0, 0)
    return 100.0 * major + minor + micro / 100
