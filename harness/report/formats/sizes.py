"""What full-size cases took: of each model its parameters, and by route seconds, memory and disk."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ...contract.case import DEFAULT_VARIANT, SKIPPED, Size
from ...results.verdict import Judged
from .. import grid, marks
from ..summary import Summary

MIB_A_GIB: Final = 1024
FLOAT: Final = 4  # bytes
GIB: Final = 2**30


@dataclass(frozen=True)
class Table:
    """One pair's lane: a row a model, the largest first, each with a cell a route."""

    pair: str
    lane: str
    routes: Sequence[str]
    rows: Sequence[Sequence[str]]
    untried: Sequence[str]
    """Why cases were not run: each reason once, after the cases."""


def tables(summary: Summary) -> Iterator[Table]:
    """Of every lane with a full-size case, in the order of the pairs."""
    found: dict[tuple[str, str], list[Judged]] = {}
    for one in summary.judged:
        if one.case.size == Size.FULL:
            found.setdefault((one.pair, one.lane), []).append(one)
    for (pair, lane), cases in found.items():
        routes = grid.in_order({one.case.route for one in cases})
        by_model: dict[str, dict[str, Judged]] = {}
        for one in cases:
            if one.case.variant == DEFAULT_VARIANT:
                by_model.setdefault(one.case.model, {})[one.case.route] = one
        largest = sorted(by_model, key=lambda model: (-summary.parameters.get(model, 0), model))
        rows = [_row(model, by_model[model], routes, summary.parameters) for model in largest]
        yield Table(pair, lane, routes, rows, list(_untried(cases)))


def _row(model: str, cases: Mapping[str, Judged], routes: Sequence[str], parameters: Mapping[str, int]) -> list[str]:
    count = parameters.get(model, 0)
    return [model, f"{count / 1e6:,.1f}", f"{count * FLOAT / GIB:.2f}", *(_cell(cases.get(route)) for route in routes)]


def _cell(one: Judged | None) -> str:
    """The mark, seconds, and the most GiB of memory and disk."""
    if one is None:
        return ""
    record: Mapping[str, Any] = one.record or {}
    detail = record.get("detail") or {}
    told = (record.get("seconds"), detail.get("held_mb"), detail.get("disk_mb"))
    figures = [figure for figure in told if isinstance(figure, int | float)]
    mark = marks.mark_of(one).shape
    if one.outcome in SKIPPED or len(figures) < len(told):
        return mark
    seconds, held, disk = figures
    return f"{mark} {seconds:.0f} s, {held / MIB_A_GIB:.1f} + {disk / MIB_A_GIB:.1f} GiB"


def _untried(cases: Sequence[Judged]) -> Iterator[str]:
    by_reason: dict[str, list[str]] = {}
    for one in cases:
        if one.outcome == "not-run":
            by_reason.setdefault(one.reason, []).append(one.case.id.partition("+")[0])
    for reason, named in by_reason.items():
        yield f"{', '.join(named)}: {reason}"
