"""How a judged case looks: a word, a shape and a colour, the same in every report."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ..results.failure import generalised
from ..results.judging import Judged, Verdict


@dataclass(frozen=True)
class Mark:
    """How one kind of result looks. Shapes are distinct, for readers who see no colour."""

    word: str
    shape: str
    style: str
    heat: str
    """The style of a cell of the heat map."""

    @property
    def key(self) -> str:
        """The word in machine-readable reports: `known-broken`."""
        return self.word.replace(" ", "-")


REGRESSED: Final = Mark("regressed", "✘", "bold red", "bold white on red")
FIXED: Final = Mark("fixed", "↑", "bold magenta", "bold white on magenta")
INCOMPLETE: Final = Mark("incomplete", "…", "bold yellow", "bold black on bright_yellow")
KNOWN_BROKEN: Final = Mark("known broken", "◐", "yellow", "black on yellow")
REMEDIED: Final = Mark("remedied", "◑", "yellow", "black on khaki1")
"""Known broken as it is, and green with its remedy, which was run."""
DRIFTED: Final = Mark("drifted", "≈", "cyan", "black on cyan")
PASSED: Final = Mark("passed", "✔", "green", "black on green")
NOT_RUN: Final = Mark("not run", "○", "dim", "dim")
UNSUPPORTED: Final = Mark("unsupported", "\N{EN DASH}", "dim", "dim")

MARKS: Final = (REGRESSED, FIXED, INCOMPLETE, KNOWN_BROKEN, REMEDIED, DRIFTED, PASSED, NOT_RUN, UNSUPPORTED)
"""Worst first."""

ATTENTION: Final = (REGRESSED, FIXED, INCOMPLETE)
"""The marks of cases that are not as expected."""

KNOWN: Final = (KNOWN_BROKEN, REMEDIED)
"""The marks of cases that are broken for a known reason."""
GOOD: Final = frozenset({PASSED, DRIFTED})
UNTRIED: Final = frozenset({NOT_RUN, UNSUPPORTED})
"""The marks that say nothing about a model, good or bad."""

_BY_VERDICT: Final = {Verdict.REGRESSED: REGRESSED, Verdict.FIXED: FIXED, Verdict.INCOMPLETE: INCOMPLETE}
_BY_OUTCOME: Final = {"drifted": DRIFTED, "passed": PASSED, "not-run": NOT_RUN, "unsupported": UNSUPPORTED}
_TOTALS: Final = (PASSED, DRIFTED, REMEDIED, KNOWN_BROKEN, REGRESSED, FIXED, INCOMPLETE, NOT_RUN, UNSUPPORTED)


def mark_of(judged: Judged) -> Mark:
    """Each case has exactly one mark, so that counts of marks add up."""
    known = REMEDIED if judged.is_remedied else KNOWN_BROKEN
    return _BY_VERDICT.get(judged.verdict) or _BY_OUTCOME.get(judged.outcome or "", known)


def count(judged: Iterable[Judged]) -> dict[Mark, int]:
    """The marks that occur, worst first, and how often."""
    counts = Counter(map(mark_of, judged))
    return {mark: counts[mark] for mark in MARKS if counts[mark]}


def is_untried(judged: Iterable[Judged]) -> bool:
    """Whether none of these cases was run, because a device is missing or the pair does not support it."""
    return count(judged).keys() <= UNTRIED


def totals(judged: Iterable[Judged]) -> list[str]:
    """`1,020 passed`, `3 regressed`, …: each case counts once; `not run` is a count of its own, with the reasons."""
    cases = list(judged)
    counts = count(cases)
    texts = {mark: f"{counts[mark]:,} {mark.word}" for mark in _TOTALS if mark in counts}
    if NOT_RUN in texts:
        texts[NOT_RUN] += f" ({reasons(case for case in cases if mark_of(case) is NOT_RUN)})"
    return list(texts.values())


def reasons(judged: Iterable[Judged]) -> str:
    """The reasons of these cases, one for each distinct cause."""
    first: dict[str, str] = {}
    for case in judged:
        first.setdefault(generalised(case), case.reason)
    return "; ".join(first.values())
