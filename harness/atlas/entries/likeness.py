"""A lane told by what it has otherwise than that of another pair: most releases differ little from their neighbours.

    {"lane": "cpu-float32", ..., "digest": DIGEST, "like": "transformers5.22.0-timm1.0.31", "of": DIGEST}
    {"route": "tower", "cell": DIGEST, "passed": 30, ...}
    {"route": "hub", "cell": DIGEST}

A route that is not named is as there, one without `passed` too, with another digest. Which models most routes have is
told by what the other lane's lack or have beside them. `of` is the digest of that lane as it was, and each lane has its
own: nothing can be lost or changed, here or there, without being noticed.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from .. import files
from .lines import CELL, MODELS, ROUTE, LaneLines, Line

LIKE: Final = "like"
OF: Final = "of"
DIGEST: Final = "digest"
PASSED: Final = "passed"


def grouped(lines: Sequence[Line]) -> Iterator[tuple[Line, dict[str, Sequence[Line]]]]:
    """Each lane's line and, by route, the lines below it. Raises ValueError for a line that belongs to none."""
    head: Line | None = None
    routes: dict[str, list[Line]] = {}
    for line in lines:
        with files.at(line.number):
            if "lane" in line.says:
                if head:
                    yield head, {**routes}
                head, routes = line, {}
            elif ROUTE in line.says and head:
                routes[files.text(line.says, ROUTE)] = [line]
            elif routes:
                routes[list(routes)[-1]].append(line)
            else:
                raise ValueError("there is no line above that it belongs to")
    if head:
        yield head, {**routes}


def can_tell(other: LaneLines, lane: LaneLines) -> bool:
    """Whether a lane can be told by what it has otherwise than `other`: a route that it lacks cannot be."""
    return bool(other.routes) and other.routes.keys() <= lane.routes.keys()


def shortened(lane: LaneLines, other: LaneLines, like: str) -> list[Mapping[str, Any]]:
    """The objects that tell a lane by what it has otherwise than `other`, which is that of the pair `like`."""
    digests = {DIGEST: lane.digest, LIKE: like, OF: other.digest}
    head = {**lane.head.says, **digests, **files.beside(lane.models, other.models)}
    return [head, *(line for name in lane.routes for line in _otherwise(lane.routes[name], other.routes.get(name)))]


def whole(lane: LaneLines) -> list[Mapping[str, Any]]:
    """The objects that tell a lane by itself."""
    routes = (line.says for lines in lane.routes.values() for line in lines)
    return [{**lane.head.says, DIGEST: lane.digest, MODELS: list(lane.models)}, *routes]


def lengthened(head: Line, routes: Mapping[str, Sequence[Line]], other: LaneLines | None) -> LaneLines:
    """The inverse of `shortened`, and of `whole` where there is no other lane.

    Raises ValueError, KeyError or TypeError, with the line, for what no lane is.
    """
    with files.at(head.number):
        if other and head.says[OF] != other.digest:
            raise ValueError(f"{head.says[LIKE]}, which it is like, is not what it was")
        models = files.chosen(head.says, other.models) if other else files.texts(head.says, MODELS)
    before = other.routes if other else {}
    told = {**before, **{name: _lengthened(lines, before.get(name)) for name, lines in routes.items()}}
    facts = {name: value for name, value in head.says.items() if name in {"lane", "day", "size", "failed"}}
    return LaneLines(Line(facts, head.number), models, {name: told[name] for name in sorted(told)})


def _otherwise(lines: Sequence[Line], before: Sequence[Line] | None) -> Iterator[Mapping[str, Any]]:
    if before is None or lines[1:] != before[1:] or _but_cell(lines[0]) != _but_cell(before[0]):
        yield from (line.says for line in lines)
    elif lines[0] != before[0]:
        yield {ROUTE: lines[0].says[ROUTE], CELL: lines[0].says[CELL]}


def _but_cell(line: Line) -> Mapping[str, Any]:
    return {name: value for name, value in line.says.items() if name != CELL}


def _lengthened(lines: Sequence[Line], before: Sequence[Line] | None) -> Sequence[Line]:
    first = lines[0]
    if before is None or PASSED in first.says:
        return lines
    with files.at(first.number):
        return [Line({**before[0].says, CELL: files.text(first.says, CELL)}, first.number), *before[1:], *lines[1:]]
