"""The summary in the terminal: a grid for each lane, then causes, then the totals."""

import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.text import Text

from ..config.text import number
from ..contract.finding import NO_BREAK, printable
from ..results.judging import Judged
from . import causes, grid, marks
from .summary import Summary

WIDTH: Final = 100  # where the output is no terminal
EXIT: Final = {
    0: "as expected",
    1: "something regressed or is fixed",
    2: "bad input",
    3: "nothing was selected",
    4: "incomplete: planned cases have no record, or none with their remedy",
}


def console() -> Console:
    """The terminal as it is; elsewhere plain text of a fixed width."""
    return Console() if sys.stdout.isatty() else Console(width=WIDTH)


def show(console: Console, summary: Summary) -> None:
    """Print the summary. Ids and commands wider than the console are not cropped."""
    console.print(render(summary, console.width), crop=False, highlight=False)


def tell(console: Console, lines: Iterable[str]) -> None:
    """Print lines: a sentence is wrapped, an indented line (a command) stays whole, and "" is an empty line."""
    parts = [
        part
        for text in lines
        for part in (_wrapped(text, console.width) if text[:1].strip() else [_line(text, "bold")])
    ]
    console.print(Group(*parts), crop=False, highlight=False)


def render(summary: Summary, width: int) -> RenderableType:
    """A sentence on each pair, lanes with routes down and pairs across, failures by cause, then the totals."""
    judged = summary.judged
    parts = [
        *(line for text in summary.answers for line in _wrapped(text, width, "bold")),
        *([_line("")] if summary.answers else []),
        *_paragraphs(summary.alerts, width, marks.INCOMPLETE.style),
        *_paragraphs([summary.covers] if summary.covers else [], width, "dim"),
        *_lanes(summary, width),
        *_legend(judged, width),
        *(line for cause in causes.find(judged) for line in _cause(cause, summary, width)),
        *(line for text in summary.notes for line in (_line(""), *_wrapped(text, width))),
        *_silent(judged, width),
        *_listed(marks.totals(judged), " · ", width, "bold"),
        _line(f"Exit code {summary.exit_code}: {_why(summary)}."),
    ]
    return Group(*parts)


def _why(summary: Summary) -> str:
    if summary.exit_code == 1 and summary.broken_user_model:
        return summary.broken_user_model
    return "a session failed, see above" if summary.only_failed else EXIT[summary.exit_code]


def _lanes(summary: Summary, width: int) -> Iterator[RenderableType]:
    for lane, cases in summary.lanes.items():
        if marks.is_untried(cases):
            yield from _wrapped(f"{lane}: {', '.join(marks.totals(cases))}", width, marks.NOT_RUN.style)
            yield _line("")
            continue
        yield _line(f"{lane}, share passed of what was run", "bold")
        for table in grid.tables(cases, summary.pairs, width):
            yield table
            yield _line("")


def _legend(judged: Sequence[Judged], width: int) -> Iterator[Text]:
    yield from _listed([f"{mark.shape} {mark.word}" for mark in marks.count(judged)], "   ", width, "dim")


def _cause(cause: causes.Cause, summary: Summary, width: int) -> Iterator[Text]:
    yield _line("")
    yield from _listed(cause.heading, " · ", width, marks.mark_of(cause.example).style)
    for text in (*causes.explain(cause), *causes.alternatives_to(cause, summary.judged)):
        yield from _wrapped(text, width, indent="  ")
    yield _line(f"  {summary.command(cause.example)}", "bold")


def _silent(judged: Sequence[Judged], width: int) -> Iterator[Text]:
    yield _line("")
    broken = [case for case in judged if case.broken]
    if broken:
        silent = sum(case.silent for case in broken)
        yield from _wrapped(f"{silent} of {number(len(broken), 'broken case')} silent: neither library warned.", width)


def _listed(items: Sequence[str], separator: str, width: int, style: str) -> Iterator[Text]:
    """Wrap between items only: a number stays with its noun."""
    text = separator.join(item.replace(" ", NO_BREAK) for item in items)
    yield from (_line(line.plain.replace(NO_BREAK, " "), style) for line in _wrapped(text, width))


def _paragraphs(texts: Iterable[str], width: int, style: str) -> Iterator[Text]:
    """Wrap each, with an empty line after it."""
    for text in texts:
        yield from _wrapped(text, width, style)
        yield _line("")


def _wrapped(text: str, width: int, style: str = "", indent: str = "") -> Iterator[Text]:
    """Wrap between words only: an id or a path is never broken."""
    lines = textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    yield from (_line(line, style) for line in lines)


def _line(text: str, style: str = "") -> Text:
    return Text(printable(text), style, no_wrap=True, overflow="ignore")
