"""The summary in the terminal: what stands where, then why, then the totals."""

import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.text import Text

from harness.change import ways_out
from harness.report import causes, grid, marks
from harness.verdict import Judged, Verdict, exit_code
from harness.words import number

NO_BREAK: Final = "\N{NO-BREAK SPACE}"
EXIT: Final = {
    0: "as expected",
    1: "something regressed or is fixed",
    3: "nothing was selected",
    4: "incomplete: planned cases have no record",
}

Command = Callable[[Judged], str]


def show(console: Console, judged: Sequence[Judged], command: Command, remarks: Sequence[str] = ()) -> None:
    """Prints the summary. Nothing is cropped: an id or a command wider than the console stays whole."""
    console.print(render(judged, command, console.width, remarks), crop=False, highlight=False)


def tell(console: Console, lines: Iterable[str]) -> None:
    """Prints sentences, wrapped; what is indented, as a command is, stays whole, and nothing is an empty line."""
    parts = [
        part
        for text in lines
        for part in (_wrapped(text, console.width) if text[:1].strip() else [_line(text, "bold")])
    ]
    console.print(Group(*parts), crop=False, highlight=False)


def render(judged: Sequence[Judged], command: Command, width: int, remarks: Sequence[str] = ()) -> RenderableType:
    """Lanes with pairs down and routes across, failures by cause, remarks, then the totals and the exit code."""
    code = exit_code(judged)
    parts = [
        *_lanes(judged, width),
        *_legend(judged, width),
        *(line for cause in causes.find(judged) for line in _cause(cause, judged, command, width)),
        *(line for text in remarks for line in (_line(""), *_wrapped(text, width))),
        *_silent(judged, width),
        *_listed(marks.totals(judged), " · ", width, "bold"),
        _line(f"Exit code {code}: {EXIT[code]}."),
    ]
    return Group(*parts)


def _lanes(judged: Sequence[Judged], width: int) -> Iterator[RenderableType]:
    for lane in dict.fromkeys(one.lane for one in judged):
        cases = [one for one in judged if one.lane == lane]
        if list(marks.count(cases)) == [marks.NOT_RUN]:
            yield from _wrapped(f"{lane}: {', '.join(marks.totals(cases))}", width, marks.NOT_RUN.style)
            yield _line("")
            continue
        yield _line(lane, "bold")
        for table in grid.tables(cases, width):
            yield table
            yield _line("")


def _legend(judged: Sequence[Judged], width: int) -> Iterator[Text]:
    yield from _listed([f"{mark.shape} {mark.word}" for mark in marks.count(judged)], "   ", width, "dim")


def _cause(cause: causes.Cause, judged: Sequence[Judged], command: Command, width: int) -> Iterator[Text]:
    mark = marks.mark_of(cause.example)
    counts = [
        number(len(cause.models), "model"),
        number(len(cause.judged), "case"),
        number(len(cause.pairs), "pair"),
    ]
    outcome = [cause.outcome] if cause.outcome else []
    facts = [f"{mark.shape} {mark.word}", ", ".join(cause.routes), *outcome, ", ".join(counts)]
    yield _line("")
    yield from _listed(facts, " · ", width, mark.style)
    for text in (*_reasons(cause), *_ways_out(cause, judged)):
        yield from _wrapped(text, width, indent="  ")
    yield _line(f"  {command(cause.example)}", "bold")


def _reasons(cause: causes.Cause) -> Iterator[str]:
    """What happened in one case, and what the rule says that it was held against."""
    if cause.verdict is not Verdict.FIXED:
        yield cause.example.reason
    if cause.rule is None:
        return
    says = {
        Verdict.REGRESSED: f"expected {cause.rule.outcome}: ",
        Verdict.FIXED: f"no longer {cause.rule.outcome}: ",
    }
    yield says.get(cause.verdict, "because ") + cause.rule.because
    if cause.verdict is Verdict.AS_EXPECTED:
        yield from (text for text in (cause.rule.advice, cause.rule.url or cause.rule.script) if text)


def _ways_out(cause: causes.Cause, judged: Sequence[Judged]) -> Iterator[str]:
    """What the records themselves offer instead."""
    if ways := ways_out([one for one in cause.judged if one.broken], judged):
        yield f"Those of these models that were tried there pass on {', '.join(ways)}."


def _silent(judged: Sequence[Judged], width: int) -> Iterator[Text]:
    yield _line("")
    broken = [one for one in judged if one.broken]
    if broken:
        silent = sum(one.silent for one in broken)
        yield from _wrapped(f"{silent} of {number(len(broken), 'broken case')} silent: neither library warned.", width)


def _listed(items: Sequence[str], separator: str, width: int, style: str) -> Iterator[Text]:
    """Wraps between items only: a number stays with what it counts."""
    text = separator.join(item.replace(" ", NO_BREAK) for item in items)
    yield from (_line(line.plain.replace(NO_BREAK, " "), style) for line in _wrapped(text, width))


def _wrapped(text: str, width: int, style: str = "", indent: str = "") -> Iterator[Text]:
    """Wraps between words only: an id or a path is never broken."""
    lines = textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    yield from (_line(line, style) for line in lines)


def _line(text: str, style: str = "") -> Text:
    """Text as it is, but for what would move the cursor or colour the terminal: an exception may say anything."""
    shown = "".join(one if one.isprintable() or one == NO_BREAK else repr(one)[1:-1] for one in text)
    return Text(shown, style, no_wrap=True, overflow="ignore")
