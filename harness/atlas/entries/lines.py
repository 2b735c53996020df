"""A lane of an entry as objects of JSON that diff well: one for the lane, each of its routes, and their causes.

    {"lane": "cpu-float32", "day": "2026-11-29", "size": "narrow"}
    {"route": "tower", "cell": DIGEST, "passed": 31, "without": [...], ...}
    {"outcome": "tensors", "scenarios": [""], "rules": [ID], "remedied": true, "only": [...]}

A route names the models by which it differs from most routes of the lane, and a cause those that are missing of its
route's: or all that they have, if they are fewer. Without names they are the same.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from ...contract.case import Outcome, Size
from ...contract.routes import ROUTES
from .. import files
from .entry import Cause, LaneEntry, RouteEntry

LANE: Final = "lane"
ROUTE: Final = "route"
CELL: Final = "cell"
PASSED: Final = "passed"
FAILED: Final = "failed"
HEAD: Final = (LANE, "day", "size", FAILED)
"""The fields of a lane's line."""
WITHOUT: Final = "without"
ALSO: Final = "also"
ONLY: Final = "only"


@dataclass(frozen=True)
class Line:
    """An object of a file, and the number of its line there, by which equal objects may differ."""

    fields: Mapping[str, Any]
    number: int = field(default=0, compare=False)


@dataclass(frozen=True)
class LaneLines:
    """A lane's lines: that of the lane, and by route its line and those of its causes.

    `models` are those of most routes.
    """

    head: Line
    models: tuple[str, ...]
    routes: Mapping[str, Sequence[Line]]

    @cached_property
    def digest(self) -> str:
        """A digest of the models and the routes."""
        routes = {name: [line.fields for line in lines] for name, lines in self.routes.items()}
        return digest_of([self.models, routes])


def digest_of(content: Any) -> str:
    """A digest of what JSON can hold."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def lines_of(lane: LaneEntry) -> LaneLines:
    """The lines of a lane."""
    usual = _usual(lane.routes.values())
    failed = {FAILED: lane.failed} if lane.failed else {}
    head = {LANE: lane.lane, "day": lane.day, "size": lane.size, **failed}
    routes = {name: [*_of_route(lane.routes[name], usual)] for name in sorted(lane.routes)}
    return LaneLines(Line(head), usual, routes)


def lane_of(lines: LaneLines) -> LaneEntry:
    """The inverse of `lines_of`. Raises ValueError, KeyError or TypeError, with the line, for what no lane is."""
    with files.at(lines.head.number):
        head = lines.head.fields
        day, size = files.day(head, "day"), files.one_of(head, "size", tuple(Size))
        failed = files.text(head, FAILED) if FAILED in head else None
        lane = files.text(head, LANE)
    routes = {name: _route(of_route, lines.models) for name, of_route in lines.routes.items()}
    return LaneEntry(lane, day, size, routes, failed)


def _usual(routes: Iterable[RouteEntry]) -> tuple[str, ...]:
    """The models that most routes have; of lists that as many have, the longest."""
    counts = Counter(route.models for route in routes)
    return max(counts, key=lambda models: (counts[models], len(models), models), default=())


def _of_route(route: RouteEntry, usual: Sequence[str]) -> Iterator[Line]:
    unsupported = {why: _starred(models, route.models) for why, models in route.unsupported.items()}
    facts = {ROUTE: route.route, CELL: route.cell, PASSED: route.passed}
    lists = {"open": list(route.open), "unsupported": unsupported}
    given = {name: value for name, value in lists.items() if value}
    yield Line({**facts, **naming(route.models, usual), **given})
    yield from (Line(_of_cause(cause, route.models)) for cause in route.causes)


def _of_cause(cause: Cause, models: Sequence[str]) -> Mapping[str, Any]:
    facts = {"rules": list(cause.rules), "remedied": cause.remedied, "finding": cause.finding}
    given = {name: value for name, value in facts.items() if value}
    scenarios = list(cause.scenarios)
    return {"outcome": cause.outcome, "scenarios": scenarios, **given, **naming(cause.models, models)}


def _route(lines: Sequence[Line], usual: tuple[str, ...]) -> RouteEntry:
    first, *causes = lines
    with files.at(first.number):
        line = first.fields
        models = named(line, usual)
        unsupported = files.mapping(line, "unsupported") if "unsupported" in line else {}
        by_reason = {why: files.texts(unsupported, why) for why in unsupported}
        by_reason = {why: models if some == ("*",) else some for why, some in by_reason.items()}
        name, cell, passed = files.one_of(line, ROUTE, ROUTES), files.text(line, CELL), files.count(line, PASSED)
        opened = files.some(line, "open")
    return RouteEntry(name, cell, models, passed, opened, by_reason, tuple(_cause(cause, models) for cause in causes))


def _cause(line: Line, of: tuple[str, ...]) -> Cause:
    with files.at(line.number):
        cause = line.fields
        outcome, scenarios = files.one_of(cause, "outcome", tuple(Outcome)), files.texts(cause, "scenarios")
        finding = files.text(cause, "finding") if "finding" in cause else ""
        remedied = cause.get("remedied", False)
        if not isinstance(remedied, bool):
            raise TypeError("remedied is neither true nor false")
        return Cause(outcome, scenarios, files.some(cause, "rules"), named(cause, of), remedied, finding)


def naming(models: Sequence[str], usual: Sequence[str]) -> Mapping[str, list[str]]:
    """The fields that name models: which of the usual ones they lack and have beside them, or themselves if fewer."""
    without = [model for model in usual if model not in models]
    also = [model for model in models if model not in usual]
    if models != usual and len(without) + len(also) >= len(models):
        return {ONLY: list(models)}
    return {name: names for name, names in ((WITHOUT, without), (ALSO, also)) if names}


def named(line: Mapping[str, Any], usual: tuple[str, ...]) -> tuple[str, ...]:
    """The inverse of `naming`."""
    if ONLY in line:
        return files.texts(line, ONLY)
    without = frozenset(files.some(line, WITHOUT))
    return tuple(sorted([*(model for model in usual if model not in without), *files.some(line, ALSO)]))


def _starred(models: Sequence[str], of: Sequence[str]) -> list[str]:
    """Some of a list's names; of all of them a star."""
    return ["*"] if list(models) == list(of) else list(models)
