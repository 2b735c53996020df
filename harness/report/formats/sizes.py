"""The cost of full-size cases: the parameters of each model, and by route its seconds, memory and disk."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ...contract.case import DEFAULT_VARIANT, SKIPPED, Size
from ...results.judging import Judged
from .. import grid, marks
from ..summary import Summary

MIB_A_GIB: Final = 1024
FLOAT: Final = 4  # bytes
GIB: Final = 2**30


@dataclass(frozen=True)
class Table:
    """One pair's lane: a row for each model, the largest first, with a cell for each route."""

    pair: str
    lane: str
    routes: Sequence[str]
    rows: Sequence[Sequence[str]]
    untried: Sequence[str]
    """For each reason the cases that were not run because of it."""


def tables(summary: Summary) -> Iterator[Table]:
    """A table for every lane with a full-size case, in the order of the pairs."""
    lanes: dict[tuple[str, str], list[Judged]] = {}
    for case in summary.judged:
        if case.case.size == Size.FULL:
            lanes.setdefault((case.pair, case.lane), []).append(case)
    for (pair, lane), cases in lanes.items():
        routes = grid.in_order({case.case.route for case in cases})
        by_model: dict[str, dict[str, Judged]] = {}
        for case in cases:
            if case.case.variant == DEFAULT_VARIANT:
                by_model.setdefault(case.case.model, {})[case.case.route] = case
        largest = sorted(by_model, key=lambda model: (-summary.parameters.get(model, 0), model))
        rows = [_row(model, by_model[model], routes, summary.parameters) for model in largest]
        yield Table(pair, lane, routes, rows, list(_untried(cases)))


def _row(model: str, cases: Mapping[str, Judged], routes: Sequence[str], parameters: Mapping[str, int]) -> list[str]:
    count = parameters.get(model, 0)
    return [model, f"{count / 1e6:,.1f}", f"{count * FLOAT / GIB:.2f}", *(_cell(cases.get(route)) for route in routes)]


def _cell(case: Judged | None) -> str:
    """The mark, seconds, and the peak GiB of memory and disk; the mark alone if the record lacks a figure."""
    if case is None:
        return ""
    record: Mapping[str, Any] = case.record or {}
    detail = record.get("detail") or {}
    recorded = (record.get("seconds"), detail.get("held_mb"), detail.get("disk_mb"))
    figures = [figure for figure in recorded if isinstance(figure, int | float)]
    mark = marks.mark_of(case).shape
    if case.outcome in SKIPPED or len(figures) < len(recorded):
        return mark
    seconds, held, disk = figures
    return f"{mark} {seconds:.0f} s, {held / MIB_A_GIB:.1f} + {disk / MIB_A_GIB:.1f} GiB"


def _untried(cases: Sequence[Judged]) -> Iterator[str]:
    by_reason: dict[str, list[str]] = {}
    for case in cases:
        if case.outcome == "not-run":
            by_reason.setdefault(case.reason, []).append(case.case.id.partition("+")[0])
    for reason, case_ids in by_reason.items():
        yield f"{', '.join(case_ids)}: {reason}"
