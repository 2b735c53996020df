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
from ..results.judging import Judged, Verdict
from . import marks
from .marks import Mark

GAP: Final = 2


@dataclass(frozen=True)
class Cell:
    """All cases of a pair, a lane and a route: their worst mark, and how many of those that ran passed.

    Incomplete cases count as not run. `remedied` are those that pass with their remedies only.
    """

    mark: Mark
    passed: int
    ran: int
    remedied: int = 0

    @classmethod
    def of(cls, cases: Sequence[Judged]) -> "Cell | None":
        """None for no case."""
        counts = marks.count(cases)
        if not counts:
            return None
        ran = [case for case in cases if case.verdict is not Verdict.INCOMPLETE and case.outcome not in SKIPPED]
        passed = sum(case.outcome in GREEN for case in ran)
        return cls(next(iter(counts)), passed, len(ran), counts.get(marks.REMEDIED, 0))

    @property
    def share(self) -> str:
        """Passed of ran, in percent, and with remedies: `0% → 100%`; empty if nothing ran.

        It is rounded so that only all is 100% and only none is 0%.
        """
        if not self.ran:
            return ""
        as_it_is = self._percent(self.passed)
        return f"{as_it_is} → {self._percent(self.passed + self.remedied)}" if self.remedied else as_it_is

    def _percent(self, passed: int) -> str:
        return f"{max(100 * passed // self.ran, int(passed > 0))}%"


def cells(cases: Sequence[Judged]) -> dict[tuple[str, str], Cell]:
    """By route and pair id."""
    groups: dict[tuple[str, str], list[Judged]] = {}
    for case in cases:
        groups.setdefault((case.case.route, case.pair), []).append(case)
    return {key: cell for key, group in groups.items() if (cell := Cell.of(group))}


def tables(cases: Sequence[Judged], pairs: Sequence[Pair], width: int) -> Iterator[Table]:
    """As many tables as it takes for no line to exceed `width` columns, head in bold; a pair is never split."""
    by_key = cells(cases)
    routes = in_order(route for route, _ in by_key)
    head = head_names(pairs)
    names = max(map(cell_len, [*routes, *head]))
    shown = [pair for pair in pairs if any((route, pair.id) in by_key for route in routes)]
    columns = {
        pair.id: [*_versions(pair, head), *(_text(by_key.get((route, pair.id))) for route in routes)] for pair in shown
    }
    widths = {pair: max(text.cell_len for text in column) for pair, column in columns.items()}
    for chunk in _chunks(widths, width - names):
        table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, show_header=False)
        table.width = names + sum(GAP + widths[pair] for pair in chunk)
        for row, name in enumerate([*head, *routes]):
            table.add_row(Text(name, "bold" if row < len(head) else ""), *(columns[pair][row] for pair in chunk))
        yield table


def in_order(routes: Iterable[str]) -> list[str]:
    """Each route once, in the order of the README; unknown routes come last."""
    known = [*ROUTES]
    return sorted(dict.fromkeys(routes), key=lambda route: known.index(route) if route in known else len(known))


def head_names(pairs: Sequence[Pair]) -> list[str]:
    """The packages whose versions head a column: both libraries, and any other in which pairs differ."""
    return [name for name in PACKAGES if name in AXES or len({getattr(pair, name) for pair in pairs}) > 1]


def _versions(pair: Pair, head: Sequence[str]) -> list[Text]:
    return [Text(getattr(pair, name), "bold") for name in head]


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
