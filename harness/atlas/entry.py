"""What was measured of one pair, as text that diffs well: a line for the pair, each lane, its routes, their causes.

    {"pair": {"transformers": "5.23.0", ...}, "schema": 2}
    {"lane": "cpu-float32", "day": "2026-11-29", "size": "narrow", "models": [...]}
    {"route": "tower", "cell": DIGEST, "passed": 31, "without": [...], ...}
    {"outcome": "tensors", "scenarios": [""], "rules": [ID], "remedied": true, "only": [...]}

A lane's line has the models of most of its routes. A route names those that it has otherwise, and a cause those that
are missing of its route's: or all that they have, if they are fewer. Without names they are the same.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final

from packaging.version import Version

from ..config import whole_file
from ..config.errors import BadInput
from ..config.pin_files.reading import PACKAGES
from ..config.pins import pair_id
from ..contract.case import Outcome, Size
from ..contract.package import FOLDER
from ..contract.routes import ROUTES
from . import files
from .answer import Releases

SCHEMA: Final = 2
PACKAGED: Final = FOLDER / "atlas" / "pairs"
SUFFIX: Final = ".ndjson"


@dataclass(frozen=True)
class Cause:
    """Scenarios of a route that are not green in the same way, the rules that explain it, and the models concerned.

    `remedied`: with the remedies of the rules all of it is green. `finding` is what no rule explains, or empty.
    """

    outcome: str
    scenarios: tuple[str, ...]
    rules: tuple[str, ...]
    models: tuple[str, ...]
    remedied: bool = False
    finding: str = ""

    @property
    def key(self) -> tuple[Any, ...]:
        """Everything but the models."""
        return self.outcome, self.scenarios, self.rules, self.remedied, self.finding


@dataclass(frozen=True)
class RouteEntry:
    """The results of a route in a lane.

    `cell` is the digest of what ran its cases, `models` those that have one, `passed` how many are green, `open` those
    whose case has no result, `unsupported` those that the pair cannot have there, by the reason.
    """

    route: str
    cell: str
    models: tuple[str, ...]
    passed: int
    open: tuple[str, ...] = ()
    unsupported: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    causes: tuple[Cause, ...] = ()


@dataclass(frozen=True)
class LaneEntry:
    """What a lane found on a day: the size of its models, and its routes by name.

    `failed` says why nothing could be run, if that is so.
    """

    lane: str
    day: str
    size: str
    routes: Mapping[str, RouteEntry]
    failed: str | None = None

    @cached_property
    def models(self) -> tuple[str, ...]:
        """The models that have a case on any of its routes."""
        return tuple(sorted({model for route in self.routes.values() for model in route.models}))

    def covers(self, other: "LaneEntry") -> bool:
        """Whether there is a result here of every model on every route of which there is one in the other."""
        return other.tried <= self.tried

    @property
    def tried(self) -> set[tuple[str, str]]:
        """The routes and models that have a result."""
        return {(name, model) for name, route in self.routes.items() for model in {*route.models} - {*route.open}}


@dataclass(frozen=True)
class PairEntry:
    """One pair: the version of each of its packages, and its lanes by name."""

    versions: Mapping[str, str]
    lanes: Mapping[str, LaneEntry]

    @property
    def releases(self) -> Releases:
        """Those of transformers and timm."""
        transformers, timm = (self.versions[package] for package in PACKAGES)
        return transformers, timm

    @property
    def id(self) -> str:
        """Its name, which begins its file's."""
        return pair_id(self.releases)


def dumps(entry: PairEntry) -> str:
    """The text of a pair's file."""
    return "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in _lines(entry))


@lru_cache(maxsize=1024)  # pairs, of which a process asks again and again
def loads(text: str, name: str) -> PairEntry:
    """The inverse of `dumps`. Raises BadInput for any other text."""
    try:
        head, *lines = files.objects(text)
        if head["schema"] != SCHEMA:
            raise ValueError(f"schema {head['schema']}, and not {SCHEMA}")
        with files.at(1):
            versions = {package: files.text(head["pair"], package) for package in head["pair"]}
        entry = PairEntry(versions, _lanes(lines))
        _refuse_untrue(entry, name)
    except files.WRONG as error:
        raise files.refusal(name, error, "restore it, or delete it and measure the pair again: nox -s atlas") from error
    return entry


def read(folder: Path = PACKAGED) -> dict[Releases, PairEntry]:
    """Every pair of a folder, by its releases of transformers and timm. Raises BadInput."""
    entries = [_of_file(path) for path in sorted(folder.glob(f"*{SUFFIX}"))]
    return {entry.releases: entry for entry in entries}


def write(entry: PairEntry, folder: Path = PACKAGED) -> Path:
    """Write a pair's file, and return its path. Lanes that were measured before and are not in the entry stay."""
    path = folder / f"{entry.id}{SUFFIX}"
    before = _of_file(path).lanes if path.is_file() else {}
    whole_file.write(dumps(PairEntry(entry.versions, {**before, **entry.lanes})), path)
    return path


def _of_file(path: Path) -> PairEntry:
    """The entry in a file. Raises BadInput."""
    try:
        text = path.read_text(encoding="utf-8")
    except files.WRONG as error:
        raise BadInput(f"{path} cannot be read: {error}; restore the file") from error
    return loads(text, path.name)


def _refuse_untrue(entry: PairEntry, name: str) -> None:
    """Raises ValueError for what no pair can have: a file that was cut between two lines looks green."""
    for release in (*entry.releases, entry.versions["torch"], *entry.versions.values()):
        Version(release)
    if name.endswith(SUFFIX) and name != f"{entry.id}{SUFFIX}":
        raise ValueError(f"it is that of {entry.id}")
    for lane in entry.lanes.values():
        for route in lane.routes.values():
            named = [route.open, *route.unsupported.values(), *(cause.models for cause in route.causes)]
            other = {model for models in named for model in models}
            if not other <= set(route.models):
                raise ValueError(f"{route.route} has a result of a model that it has no case of")
            if route.passed != len(set(route.models) - other):
                raise ValueError(f"{route.route} says that {route.passed} passed, and names others")


def _lines(entry: PairEntry) -> Iterator[Mapping[str, Any]]:
    yield {"pair": dict(entry.versions), "schema": SCHEMA}
    for name, lane in sorted(entry.lanes.items()):
        usual = _usual(lane.routes.values())
        failed = {"failed": lane.failed} if lane.failed else {}
        yield {"lane": name, "day": lane.day, "size": lane.size, **failed, "models": usual}
        for route in lane.routes.values():
            unsupported = {why: files.named(models, route.models) for why, models in route.unsupported.items()}
            facts = {"route": route.route, "cell": route.cell, "passed": route.passed}
            lists = {"open": route.open, "unsupported": unsupported}
            there = {name: value for name, value in lists.items() if value}
            yield {**facts, **files.beside(route.models, usual), **there}
            yield from (_of_cause(cause, route.models) for cause in route.causes)


def _usual(routes: Iterable[RouteEntry]) -> tuple[str, ...]:
    """The models that most routes have; of two lists that as many have, the first."""
    return next((models for models, _ in Counter(route.models for route in routes).most_common(1)), ())


def _of_cause(cause: Cause, models: Sequence[str]) -> Mapping[str, Any]:
    facts = {"rules": cause.rules, "remedied": cause.remedied, "finding": cause.finding}
    told = {name: value for name, value in facts.items() if value}
    return {"outcome": cause.outcome, "scenarios": cause.scenarios, **told, **files.beside(cause.models, models)}


def _lanes(lines: Iterable[Mapping[str, Any]]) -> dict[str, LaneEntry]:
    """The lanes that the lines after the first tell of, each line of the lane or the route above it."""
    lanes: list[LaneEntry] = []
    usual: tuple[str, ...] = ()
    for number, line in enumerate(lines, 2):
        with files.at(number):
            if "lane" in line:
                lanes.append(_lane(line))
                usual = files.texts(line, "models")
                continue
            if not lanes or not (lanes[-1].routes or "route" in line):
                raise ValueError("there is no line above that it belongs to")
            routes = lanes[-1].routes
            if "route" in line:
                route = _route(line, usual)
            else:
                before = routes[list(routes)[-1]]
                route = replace(before, causes=(*before.causes, _cause(line, before.models)))
            lanes[-1] = replace(lanes[-1], routes={**routes, route.route: route})
    return {lane.lane: lane for lane in lanes}


def _lane(line: Mapping[str, Any]) -> LaneEntry:
    day, size = files.day(line, "day"), files.one_of(line, "size", tuple(Size))
    failed = files.text(line, "failed") if "failed" in line else None
    return LaneEntry(files.text(line, "lane"), day, size, {}, failed)


def _route(line: Mapping[str, Any], usual: tuple[str, ...]) -> RouteEntry:
    models = files.chosen(line, usual)
    unsupported = line.get("unsupported", {})
    named = {why: files.texts(unsupported, why) for why in unsupported}
    told = {why: models if some == ("*",) else some for why, some in named.items()}
    name, cell, passed = files.one_of(line, "route", ROUTES), files.text(line, "cell"), files.count(line, "passed")
    return RouteEntry(name, cell, models, passed, files.some(line, "open"), told)


def _cause(line: Mapping[str, Any], of: tuple[str, ...]) -> Cause:
    outcome, scenarios = files.one_of(line, "outcome", tuple(Outcome)), files.texts(line, "scenarios")
    finding = files.text(line, "finding") if "finding" in line else ""
    remedied = line.get("remedied", False)
    if not isinstance(remedied, bool):
        raise TypeError("remedied is neither true nor false")
    return Cause(outcome, scenarios, files.some(line, "rules"), files.chosen(line, of), remedied, finding)
