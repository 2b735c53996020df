"""An entry as objects of JSON that diff well: one for the pair, each lane, its routes, their causes.

    {"pair": {"transformers": "5.23.0", ...}, "schema": 3}
    {"lane": "cpu-float32", "day": "2026-11-29", "size": "narrow", "digest": DIGEST, "models": [...]}
    {"route": "tower", "cell": DIGEST, "passed": 31, "without": [...], ...}
    {"outcome": "tensors", "scenarios": [""], "rules": [ID], "remedied": true, "only": [...]}

A lane has the models of most of its routes. A route names those that it has otherwise, and a cause those that are
missing of its route's: or all that they have, if they are fewer. Without names they are the same.
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

ROUTE: Final = "route"
CELL: Final = "cell"
MODELS: Final = "models"


@dataclass(frozen=True)
class Line:
    """An object of a file, and the number of its line there; two that say the same are equal."""

    says: Mapping[str, Any]
    number: int = field(default=0, compare=False)


@dataclass(frozen=True)
class LaneLines:
    """A lane's lines: that of the lane, the models of most routes, and by route its line and those of its causes."""

    head: Line
    models: tuple[str, ...]
    routes: Mapping[str, Sequence[Line]]

    @cached_property
    def digest(self) -> str:
        """A digest of all that another lane can be like: not of its day."""
        told = [self.models, {name: [line.says for line in lines] for name, lines in self.routes.items()}]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def lines_of(lane: LaneEntry) -> LaneLines:
    """The lines of a lane."""
    usual = _usual(lane.routes.values())
    failed = {"failed": lane.failed} if lane.failed else {}
    head = {"lane": lane.lane, "day": lane.day, "size": lane.size, **failed}
    return LaneLines(Line(head), usual, {name: [*_of_route(lane.routes[name], usual)] for name in sorted(lane.routes)})


def lane_of(lines: LaneLines) -> LaneEntry:
    """The inverse of `lines_of`. Raises ValueError, KeyError or TypeError, with the line, for what no lane is."""
    with files.at(lines.head.number):
        head = lines.head.says
        day, size = files.day(head, "day"), files.one_of(head, "size", tuple(Size))
        failed = files.text(head, "failed") if "failed" in head else None
        lane = files.text(head, "lane")
    return LaneEntry(lane, day, size, {name: _route(told, lines.models) for name, told in lines.routes.items()}, failed)


def _usual(routes: Iterable[RouteEntry]) -> tuple[str, ...]:
    """The models that most routes have; of two lists that as many have, the first."""
    return next((models for models, _ in Counter(route.models for route in routes).most_common(1)), ())


def _of_route(route: RouteEntry, usual: Sequence[str]) -> Iterator[Line]:
    unsupported = {why: files.named(models, route.models) for why, models in route.unsupported.items()}
    facts = {ROUTE: route.route, CELL: route.cell, "passed": route.passed}
    lists = {"open": list(route.open), "unsupported": unsupported}
    there = {name: value for name, value in lists.items() if value}
    yield Line({**facts, **files.beside(route.models, usual), **there})
    yield from (Line(_of_cause(cause, route.models)) for cause in route.causes)


def _of_cause(cause: Cause, models: Sequence[str]) -> Mapping[str, Any]:
    facts = {"rules": list(cause.rules), "remedied": cause.remedied, "finding": cause.finding}
    told = {name: value for name, value in facts.items() if value}
    scenarios = list(cause.scenarios)
    return {"outcome": cause.outcome, "scenarios": scenarios, **told, **files.beside(cause.models, models)}


def _route(lines: Sequence[Line], usual: tuple[str, ...]) -> RouteEntry:
    first, *causes = lines
    with files.at(first.number):
        line = first.says
        models = files.chosen(line, usual)
        unsupported = line.get("unsupported", {})
        named = {why: files.texts(unsupported, why) for why in unsupported}
        told = {why: models if some == ("*",) else some for why, some in named.items()}
        name, cell, passed = files.one_of(line, ROUTE, ROUTES), files.text(line, CELL), files.count(line, "passed")
        opened = files.some(line, "open")
    return RouteEntry(name, cell, models, passed, opened, told, tuple(_cause(cause, models) for cause in causes))


def _cause(line: Line, of: tuple[str, ...]) -> Cause:
    with files.at(line.number):
        says = line.says
        outcome, scenarios = files.one_of(says, "outcome", tuple(Outcome)), files.texts(says, "scenarios")
        finding = files.text(says, "finding") if "finding" in says else ""
        remedied = says.get("remedied", False)
        if not isinstance(remedied, bool):
            raise TypeError("remedied is neither true nor false")
        return Cause(outcome, scenarios, files.some(says, "rules"), files.chosen(says, of), remedied, finding)
