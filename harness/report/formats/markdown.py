"""Markdown, as a CI system shows it beside a run."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from ...config.text import printable
from .. import causes, grid, marks
from ..causes import Cause
from ..summary import Summary
from . import sizes
from .needs import Need, find
from .template import render

SPECIAL: Final = re.compile(r"[\\`*_\[\]<>#|&~@$^]")
"""What Markdown, HTML or GitHub make something of; a name after @ would be called."""


@dataclass(frozen=True)
class Lane:
    """A heat map as rows of texts."""

    name: str
    head: list[list[str]]
    rows: list[list[str]]


def text(summary: Summary) -> str:
    """The document: what is missing, the totals, a heat map for each lane, then the causes."""
    found = causes.find(summary.judged)
    attention = [cause for cause in found if marks.mark_of(cause.example) in marks.ATTENTION]
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
        attention=[_told(cause, summary) for cause in attention],
        known=[_told(cause, summary) for cause in found if cause not in attention],
        md=escaped,
        line=lambda one: Markup(printable(one)),  # noqa: S704 - inside a fence nothing is markup, and it has no line break
    )


def needs(summary: Summary) -> str:
    """The names and buffers of each family that need care, where and how long."""
    by_family: dict[str, list[Need]] = {}
    for need in find(summary):
        by_family.setdefault(need.family, []).append(need)
    return render("needs.md", summary=summary, families=by_family, md=escaped)


def full_size(summary: Summary) -> str:
    """What each full-size model took, by route."""
    return render("full-size.md", summary=summary, tables=list(sizes.tables(summary)), md=escaped)


def escaped(value: str) -> Markup:
    """Text that stays text, on one line."""
    return Markup(SPECIAL.sub(lambda found: f"&#{ord(found[0])};", printable(value)))  # noqa: S704 - nothing is left in it


def _lanes(summary: Summary) -> Iterator[Lane]:
    for lane, cases in summary.lanes.items():
        if marks.is_untried(cases):
            continue
        found = grid.cells(cases)
        told = grid.head_names(summary.pairs)
        pairs = [pair for pair in summary.pairs if any(pair.id == there for _, there in found)]
        rows = [
            [route, *(_cell(found.get((route, pair.id))) for pair in pairs)]
            for route in grid.in_order(route for route, _ in found)
        ]
        yield Lane(lane, [[f"{name} {getattr(pair, name)}" for name in told] for pair in pairs], rows)


def _cell(cell: grid.Cell | None) -> str:
    return f"{cell.mark.shape} {cell.share}".strip() if cell else ""


def _told(cause: Cause, summary: Summary) -> dict[str, Any]:
    return {
        "title": " · ".join(cause.heading),
        "lines": [*causes.explain(cause), *causes.alternatives_to(cause, summary.judged)],
        "command": summary.command(cause.example),
    }
