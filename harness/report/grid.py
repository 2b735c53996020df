"""One lane as a heat map: routes down, pairs across, in each cell a shape and the share that passed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from ..config.pair import AXES, PACKAGES, Pair
from ..contract.case import GREEN, SKIPPED
from ..contract.routes import ROUTES
from ..results.verdict import Judged
from . import marks
from .marks import Mark

GAP: Final = 2


@dataclass(frozen=True)
class Cell:
    """All cases of a pair, a lane and a route: the worst mark among them, and how many of those that ran passed."""

    mark: Mark
    passed: int
    ran: int

    @classmethod
    def of(cls, cases: Sequence[Judged]) -> "Cell | None":
        """None for no case."""
        found = marks.count(cases)
        if not found:
            return None
        wanted = [one for one in cases if one.record and one.outcome not in SKIPPED]
        return cls(next(iter(found)), sum(one.outcome in GREEN for one in wanted), len(wanted))

    @property
    def share(self) -> str:
        """In whole percent. Not rounded: 100 is all, and 0 is none."""
        if not self.ran:
            return ""
        return f"{max(100 * self.passed // self.ran, int(self.passed > 0))}%"


def cells(cases: Sequence[Judged]) -> dict[tuple[str, str], Cell]:
    """By route and pair."""
    groups: dict[tuple[str, str], list[Judged]] = {}
    for one in cases:
        groups.setdefault((one.case.route, one.pair), []).append(one)
    return {place: cell for place, group in groups.items() if (cell := Cell.of(group))}


def tables(cases: Sequence[Judged], pairs: Sequence[Pair], width: int) -> Iterator[Table]:
    """One table, or as many as it takes to hold every pair within the width."""
    found = cells(cases)
    routes = in_order(route for route, _ in found)
    told = told_apart(pairs)
    names = max(map(cell_len, [*routes, *told]))
    shown = [pair for pair in pairs if any((route, pair.id) in found for route in routes)]
    columns = {
        pair.id: [*_versions(pair, told), *(_text(found.get((route, pair.id))) for route in routes)] for pair in shown
    }
    widths = {pair: max(one.cell_len for one in column) for pair, column in columns.items()}
    for chunk in _chunks(widths, width - names):
        table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, show_header=False)
        table.width = names + sum(GAP + widths[pair] for pair in chunk)
        for row, name in enumerate([*told, *routes]):
            table.add_row(Text(name, "bold" if row < len(told) else ""), *(columns[pair][row] for pair in chunk))
        yield table


def in_order(routes: Iterable[str]) -> list[str]:
    """Each once, as matrix.yaml and the README have them; what they do not know comes last."""
    known = [*ROUTES]
    return sorted(dict.fromkeys(routes), key=lambda route: known.index(route) if route in known else len(known))


def told_apart(pairs: Sequence[Pair]) -> list[str]:
    """What heads a column: both libraries, and what these run on where pairs differ in it."""
    return [name for name in PACKAGES if name in AXES or len({getattr(pair, name) for pair in pairs}) > 1]


def _versions(pair: Pair, told: Sequence[str]) -> list[Text]:
    return [Text(getattr(pair, name), "bold") for name in told]


def _text(cell: Cell | None) -> Text:
    return Text(f"{cell.mark.shape} {cell.share}".strip(), cell.mark.heat) if cell else Text("")


def _chunks(widths: dict[str, int], room: int) -> Iterator[list[str]]:
    chunk: list[str] = []
    used = 0
    for name, width in widths.items():
        if chunk and used + GAP + width > room:
            yield chunk
            chunk, used = [], 0
        chunk.append(name)
        used += GAP + width
    if chunk:
        yield chunk
