"""What was measured in one lane, and what that tells of other models and other pairs."""

from bisect import bisect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import islice
from operator import itemgetter
from typing import Final

from packaging.version import Version

from ..config.pin_files.reading import PACKAGES
from ..contract.catalog import BERT
from ..contract.routes import ROUTES
from . import names, rules
from .answer import ANY, GOOD, Part, Releases, State
from .between import AXES, Place, unknown
from .entries import parts
from .entries.entry import LaneEntry, PairEntry
from .releases import Known, release_of

SHOWN: Final = 3


@dataclass(frozen=True)
class Atlas:
    """What was measured in one lane."""

    pairs: Mapping[Releases, PairEntry]
    lane: str
    known: Known = field(default_factory=dict)
    """The releases that there are."""

    @cached_property
    def lanes(self) -> Mapping[Releases, LaneEntry]:
        """The lane of each pair in which it was measured."""
        return {releases: pair.lanes[self.lane] for releases, pair in self.pairs.items() if self.lane in pair.lanes}

    @property
    def routes(self) -> list[str]:
        """The routes that were measured, in their usual order."""
        there = {route for lane in self.lanes.values() for route in lane.routes}
        return [route for route in ROUTES if route in there]

    def spelled(self, *asked: Version) -> Releases:
        """Two releases as the atlas spells them: 5.23 is 5.23.0. Raises BadInput for one that does not exist."""
        first, second = (
            next((pair[axis] for pair in self.pairs if Version(pair[axis]) == version), "")
            or release_of(PACKAGES[axis], version, self.known)
            for axis, version in enumerate(asked)
        )
        return first, second

    def by_distance(self, releases: Releases) -> list[Releases]:
        """The measured pairs, the nearest to these releases first."""
        return sorted(self.lanes, key=lambda other: _distance(releases, other))

    def models(self, releases: Releases, route: str) -> Sequence[str]:
        """The models that were measured on a route with the pair, or with the nearest pair that has it."""
        for other in self.by_distance(releases):
            if results := self.lanes[other].routes.get(route):
                return results.models
        return ()

    def parts(self, releases: Releases, asked: Mapping[str, Sequence[str]]) -> Iterator[Part]:
        """The answer for each model on each route; of a route that no pair was measured on, that nothing is known."""
        for route, models in asked.items():
            for model in (models or [ANY]) if ROUTES[route].has_timm else [BERT.model]:
                yield self._part(releases, route, model)

    def _part(self, releases: Releases, route: str, model: str) -> Part:
        if model not in {ANY, BERT.model} and names.has(releases[1], model) is False:
            return _lacking(route, model, releases[1])
        return self.measured(releases, route, model) or self._between(releases, route, model)

    def measured(self, releases: Releases, route: str, model: str) -> Part | None:
        """What was measured of the pair itself; None if no case was tried that tells."""
        lane = self.lanes.get(releases)
        if lane is None:
            return None
        key = (releases, route, model)
        if key not in self._told:
            self._told[key] = self._measured(lane, releases, route, model)
        return self._told[key]

    def _measured(self, lane: LaneEntry, releases: Releases, route: str, model: str) -> Part | None:
        basis = f"measured on {lane.day}"
        if lane.failed:
            return Part(route, model, State.BROKEN, because=lane.failed, basis=basis)
        results = lane.routes.get(route)
        stands = results and names.stands_for(results, model, self.pairs[releases], lane)
        if results is None or not stands:
            return None
        return parts.part_of(results, stands, model, basis)

    def _between(self, releases: Releases, route: str, model: str) -> Part:
        """What the measured pairs on either side agree on, if they and the rules all do; not known otherwise."""
        if not all(map(_is_release, releases)):
            return unknown(route, model, "not measured, and no release")
        told = [part for axis in AXES if (part := self._along(axis, releases, route, model))]
        if not told:
            return unknown(route, model, self._why_unknown(releases, route))
        nothing = next((part for part in told if part.state is State.UNKNOWN), None)
        if nothing is None and len(told) > 1 and told[0].same != told[1].same:
            return unknown(route, model, "not measured; its neighbours differ")
        return nothing or told[0]

    def _why_unknown(self, releases: Releases, route: str) -> str:
        """Why nothing is known of a model on a route, of a pair without neighbours that tell."""
        if companion := ROUTES[route].companion:
            return f"not measured: it needs {companion} beside the pair"
        if releases in self.lanes:
            return "the pair was measured, but neither this model nor one that stands for it"
        return "not measured, nor on both sides of it"

    def _along(self, axis: int, releases: Releases, route: str, model: str) -> Part | None:
        """What the measured pairs below and above agree on, of which the other package is the same; None without."""
        ends = self._place(releases, axis).ends(route, model)
        if ends is None:
            return None
        is_ruled = any(self._is_ruled(releases, side, route, model) for side in ends.sides)
        return ends.ruled if is_ruled else ends.agreed

    def _is_ruled(self, releases: Releases, side: Releases, route: str, model: str) -> bool:
        """Whether rules expect other causes of a case than with a measured pair, with what else that has."""
        torch = self.pairs[side].versions["torch"]
        here, there = rules.covering(*releases, torch), rules.covering(*side, torch)
        if releases[1] == side[1] and here == there:
            return False
        size = self.lanes[side].size
        about, before = (names.causes_of(timm, route, model, size, self.lane) for timm in (releases[1], side[1]))
        return about & here != before & there

    def _place(self, releases: Releases, axis: int) -> Place:
        """Where a pair lies among the measured pairs of which the other package is the same."""
        key = (releases, axis)
        if key not in self._places:
            line = self.lines[axis].get(releases[1 - axis], [])
            at = bisect(line, _version(releases[axis]), key=itemgetter(0))
            below = tuple(other for _, other in reversed(line[:at]) if other != releases)
            above = tuple(other for _, other in line[at:])
            place = Place(axis, below, above, self.measured)
            self._places[key] = self._places_of.setdefault((axis, below, above), place)
        return self._places[key]

    @cached_property
    def _told(self) -> dict[tuple[Releases, str, str], Part | None]:
        """What was asked of measured pairs so far."""
        return {}

    @cached_property
    def _places(self) -> dict[tuple[Releases, int], Place]:
        """Where the pairs lie that were asked about so far."""
        return {}

    @cached_property
    def _places_of(self) -> dict[tuple[int, tuple[Releases, ...], tuple[Releases, ...]], Place]:
        """Those places, by what lies below and above: what it tells is the same for all between."""
        return {}

    @cached_property
    def lines(self) -> tuple[Mapping[str, list[tuple[Version, Releases]]], ...]:
        """For each package the measured pairs with a release of the other, oldest first."""
        lines: tuple[dict[str, list[tuple[Version, Releases]]], ...] = ({}, {})
        for pair in self.lanes:
            for axis in AXES:
                lines[axis].setdefault(pair[1 - axis], []).append((Version(pair[axis]), pair))
        return tuple({release: sorted(line) for release, line in some.items()} for some in lines)

    def nearest(self, releases: Releases, is_good: Callable[[Releases], bool]) -> Iterator[Releases]:
        """The few measured pairs nearest to these releases that are good."""
        return islice(filter(is_good, self.by_distance(releases)), SHOWN)

    def nearest_good(self, releases: Releases, parts: Sequence[Part]) -> Iterator[Releases]:
        """The nearest measured pairs that are good for all that any is good for, of what the pair itself supports."""
        supported = [part for part in parts if part.state is not State.UNSUPPORTED] or parts
        # What the pair is not good for comes first: most of the others are refused by that.
        wanted = [(part.route, part.model) for part in sorted(supported, key=lambda part: part.state in GOOD)]
        others = [other for other in self.lanes if other != releases]

        def is_good(other: Releases, route: str, model: str) -> bool:
            return self._part(other, route, model).state in GOOD

        @cache
        def is_possible(route: str, model: str) -> bool:
            return any(is_good(other, route, model) for other in others)

        def is_good_for_all(other: Releases) -> bool:
            return other != releases and all(is_good(other, *one) or not is_possible(*one) for one in wanted)

        return self.nearest(releases, is_good_for_all) if any(is_possible(*one) for one in wanted) else iter(())


@cache
def _lacking(route: str, model: str, timm: str) -> Part:
    return Part(route, model, State.UNSUPPORTED, because=f"timm {timm} has no {model}")


@cache
def _is_release(release: str) -> bool:
    """Whether it is a release, and no pre-release or development version."""
    return not _version(release).is_prerelease and not _version(release).local


@cache
def _version(release: str) -> Version:
    return Version(release)


def _distance(one: Releases, other: Releases) -> float:
    return sum(abs(_rank(one[axis]) - _rank(other[axis])) for axis in AXES)


@cache
def _rank(release: str) -> float:
    return rank(_version(release))


def rank(version: Version) -> float:
    """A number that orders releases, and by which one minor release is as far as another."""
    major, minor, micro, *_ = (*version.release, 0, 0, 0)
    return 100.0 * major + minor + micro / 100
