"""One lane as a table: pairs down, routes across, in each cell how many cases stand how."""

from collections.abc import Iterator, Sequence
from typing import Final

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from harness.report import marks
from harness.verdict import Judged

GAP: Final = 2


def tables(cases: Sequence[Judged], width: int) -> Iterator[Table]:
    """One table, or as many as it takes to hold every route within the width."""
    pairs = list(dict.fromkeys(one.pair for one in cases))
    columns = {
        route: [_cell([one for one in cases if one.pair == pair and one.case.route == route]) for pair in pairs]
        for route in dict.fromkeys(one.case.route for one in cases)
    }
    widths = {
        route: max(cell_len(line) for text in (route, *map(str, cells)) for line in text.splitlines() or [""])
        for route, cells in columns.items()
    }
    names = max(map(cell_len, pairs))
    for routes in _chunks(widths, width - names):
        table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False)
        table.width = names + sum(GAP + widths[route] for route in routes)
        table.add_column("pair")
        for route in routes:
            table.add_column(route)
        for row, pair in enumerate(pairs):
            table.add_row(pair, *(columns[route][row] for route in routes))
        yield table


def _chunks(widths: dict[str, int], room: int) -> Iterator[list[str]]:
    chunk: list[str] = []
    used = 0
    for route, width in widths.items():
        if chunk and used + GAP + width > room:
            yield chunk
            chunk, used = [], 0
        chunk.append(route)
        used += GAP + width
    yield chunk


def _cell(cases: Sequence[Judged]) -> Text:
    """A line for each mark, worst first; what changed also tells out of how many."""
    lines = []
    for mark, number in marks.count(cases).items():
        changed = mark in {marks.REGRESSED, marks.FIXED}
        lines.append(Text(f"{mark.shape} {number}" + (f"/{len(cases)}" if changed else ""), mark.style))
    return Text("\n").join(lines)
