"""Markdown files, as a CI system shows them beside a run."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from ...contract.finding import printable
from .. import causes, grid, marks
from ..causes import Cause
from ..summary import Summary
from . import sizes
from .needs import by_cause, find
from .template import render

SPECIAL: Final = re.compile(r"[\\`*_\[\]<>#|&~@$^]")
"""Characters with a meaning in Markdown, in HTML or on GitHub, where @name would notify a user."""


@dataclass(frozen=True)
class Lane:
    """A heat map as rows of texts."""

    name: str
    head: list[list[str]]
    rows: list[list[str]]


def text(summary: Summary) -> str:
    """summary.md: a sentence on each pair, the alerts, the totals, a heat map for each lane, then the causes."""
    by_cause = causes.find(summary.judged)
    attention = [cause for cause in by_cause if marks.mark_of(cause.example) in marks.ATTENTION]
    return render(
        "summary.md",
        summary=summary,
        totals=marks.totals(summary.judged),
        lanes=list(_lanes(summary)),
        untried=[
            f"{lane}: {', '.join(marks.totals(cases))}"
            for lane, cases in summary.lanes.items()
            if marks.is_untried(cases)
        ],
        legend=[f"{mark.shape} {mark.word}" for mark in marks.count(summary.judged)],
        attention=[_described(cause, summary) for cause in attention],
        known=[_described(cause, summary) for cause in by_cause if cause not in attention],
        md=escaped,
        line=lambda text: Markup(printable(text)),  # noqa: S704 - nothing inside a fence is markup, and a line cannot end it
    )


def needs(summary: Summary) -> str:
    """needs.md: each cause, and the names and buffers of each family that it takes, on which pairs, and how long."""
    return render("needs.md", summary=summary, causes=by_cause(find(summary)), md=escaped)


def full_size(summary: Summary) -> str:
    """full-size.md: seconds, memory and disk of each full-size model, by route."""
    return render("full-size.md", summary=summary, tables=list(sizes.tables(summary)), md=escaped)


def escaped(value: str) -> Markup:
    """`value` on one line, with nothing in it that Markdown or HTML would interpret."""
    return Markup(SPECIAL.sub(lambda match: f"&#{ord(match[0])};", printable(value)))  # noqa: S704 - no special character is left


def _lanes(summary: Summary) -> Iterator[Lane]:
    for lane, cases in summary.lanes.items():
        if marks.is_untried(cases):
            continue
        cells = grid.cells(cases)
        names = grid.head_names(summary.pairs)
        pairs = [pair for pair in summary.pairs if any(pair.id == pair_id for _, pair_id in cells)]
        rows = [
            [route, *(_cell(cells.get((route, pair.id))) for pair in pairs)]
            for route in grid.in_order(route for route, _ in cells)
        ]
        yield Lane(lane, [[f"{name} {getattr(pair, name)}" for name in names] for pair in pairs], rows)


def _cell(cell: grid.Cell | None) -> str:
    return f"{cell.mark.shape} {cell.share}".strip() if cell else ""


def _described(cause: Cause, summary: Summary) -> dict[str, Any]:
    return {
        "title": " · ".join(cause.heading),
        "lines": [*causes.explain(cause), *causes.alternatives_to(cause, summary.judged)],
        "command": summary.command(cause.example),
    }
