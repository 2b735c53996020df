"""A lane as what it has otherwise than a base, the same lane of another pair: most releases differ little.

    {"lane": "cpu-float32", ..., "digest": DIGEST, "base": "transformers5.22.0-timm1.0.31", "base_digest": DIGEST}
    {"route": "tower", "cell": DIGEST, "passed": 30, ...}
    {"route": "hub", "cell": DIGEST}

A route that is not named is that of the base; one without `passed` too, with another digest. The models of most routes
are told by those that the base's lack, or have beside them.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from .. import files
from .lines import ALSO, CELL, HEAD, LANE, ONLY, PASSED, ROUTE, WITHOUT, LaneLines, Line, named, naming

BASE: Final = "base"
BASE_DIGEST: Final = "base_digest"
DIGEST: Final = "digest"
MODELS: Final = "models"
KNOWN: Final = frozenset({*HEAD, DIGEST, MODELS, BASE, BASE_DIGEST, WITHOUT, ALSO, ONLY})
"""The fields of a lane's line in a file."""
Routes = Mapping[str, Sequence[Line]]
"""By route its line, and those of its causes."""


def can_be_base(base: LaneLines, lane: LaneLines) -> bool:
    """Whether a lane can be what it has otherwise than a base: what it lacks has no line."""
    return bool(base.routes) and base.routes.keys() <= lane.routes.keys()


def delta(lane: LaneLines, base: LaneLines, pair: str) -> list[Mapping[str, Any]]:
    """The objects of what a lane has otherwise than a base, which is that of the pair of this id."""
    head = {**lane.head.fields, BASE: pair, BASE_DIGEST: base.digest, **naming(lane.models, base.models)}
    return [head, *(line for name in lane.routes for line in _otherwise(lane.routes[name], base.routes.get(name)))]


def whole(lane: LaneLines) -> list[Mapping[str, Any]]:
    """The objects of a lane without a base."""
    routes = (line.fields for lines in lane.routes.values() for line in lines)
    return [{**lane.head.fields, MODELS: list(lane.models)}, *routes]


def by_lane(lines: Sequence[Line]) -> dict[str, tuple[Line, Routes]]:
    """Each lane's line, and by route the lines below it. Raises ValueError for a line that belongs to none."""
    lanes: dict[str, tuple[Line, dict[str, list[Line]]]] = {}
    routes: dict[str, list[Line]] | None = None
    for line in lines:
        with files.at(line.number):
            if LANE in line.fields:
                routes = {}
                _add(lanes, files.text(line.fields, LANE), (line, routes))
            elif routes is None or not (routes or ROUTE in line.fields):
                raise ValueError("there is no line above that it belongs to")
            elif ROUTE in line.fields:
                _add(routes, files.text(line.fields, ROUTE), [line])
            else:
                routes[list(routes)[-1]].append(line)
    return dict(lanes)


def applied(head: Line, routes: Routes, base: LaneLines | None) -> LaneLines:
    """The lane of these lines: the inverse of `delta`, and of `whole` where there is no base.

    Raises ValueError, with the line, for what no lane is.
    """
    with files.at(head.number):
        if strange := head.fields.keys() - KNOWN:
            raise ValueError(f"a lane has no {', '.join(sorted(strange))[: files.SHOWN]}")
        models = named(head.fields, base.models) if base else files.texts(head.fields, MODELS)
    before = base.routes if base else {}
    every = {**before, **{name: _applied(lines, before.get(name)) for name, lines in routes.items()}}
    facts = {name: head.fields[name] for name in HEAD if name in head.fields}
    return LaneLines(Line(facts, head.number), models, {name: every[name] for name in sorted(every)})


def _add(mapping: dict[str, Any], name: str, value: Any) -> None:
    if name in mapping:
        raise ValueError(f"{name} is there twice")
    mapping[name] = value


def _otherwise(lines: Sequence[Line], before: Sequence[Line] | None) -> Iterator[Mapping[str, Any]]:
    if before is None or lines[1:] != before[1:] or _but_cell(lines[0]) != _but_cell(before[0]):
        yield from (line.fields for line in lines)
    elif lines[0] != before[0]:
        yield {ROUTE: lines[0].fields[ROUTE], CELL: lines[0].fields[CELL]}


def _but_cell(line: Line) -> Mapping[str, Any]:
    return {name: value for name, value in line.fields.items() if name != CELL}


def _applied(lines: Sequence[Line], before: Sequence[Line] | None) -> Sequence[Line]:
    first = lines[0]
    if before is None or PASSED in first.fields:
        return lines
    with files.at(first.number):
        if len(lines) > 1 or first.fields.keys() != {ROUTE, CELL}:
            raise ValueError(f"{first.fields[ROUTE]} has no {PASSED}, and more than {CELL}")
        return [Line({**before[0].fields, CELL: files.text(first.fields, CELL)}, first.number), *before[1:]]
