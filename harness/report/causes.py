"""What is not green, grouped by cause: one cause may break many models."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ..config.text import number
from ..results.failure import generalised
from ..results.pair_diff import ways_out
from ..results.verdict import Judged, Rule, Verdict
from . import marks

MANY: Final = 6  # routes
ORDER: Final = (Verdict.REGRESSED, Verdict.FIXED, Verdict.INCOMPLETE, Verdict.AS_EXPECTED)


@dataclass(frozen=True)
class Cause:
    """Cases that share a verdict, an outcome and, as far as their reasons tell, a cause."""

    verdict: Verdict
    outcome: str | None
    name: str
    """What they share."""
    rule: Rule | None
    judged: tuple[Judged, ...]

    @property
    def example(self) -> Judged:
        """The case that stands for all: the quickest to run again, or else the first."""
        return min(self.judged, key=lambda one: one.seconds or math.inf)

    @property
    def routes(self) -> list[str]:
        """The routes concerned, in the order in which they were planned."""
        return list(dict.fromkeys(one.case.route for one in self.judged))

    @property
    def places(self) -> str:
        """The routes in words."""
        return ", ".join(self.routes) if len(self.routes) <= MANY else number(len(self.routes), "route")

    @property
    def facts(self) -> list[str]:
        """How it stands, where, and how often: the items of its heading."""
        mark = marks.mark_of(self.example)
        counts = [
            number(len(self.models), "model"),
            number(len(self.judged), "case"),
            number(len(self.pairs), "pair"),
        ]
        outcome = [self.outcome] if self.outcome else []
        return [f"{mark.shape} {mark.word}", self.places, *outcome, ", ".join(counts)]

    @property
    def models(self) -> set[str]:
        """The models concerned."""
        return {one.case.model for one in self.judged}

    @property
    def pairs(self) -> set[str]:
        """The ids of the pairs concerned."""
        return {one.pair for one in self.judged}


def find(judged: Iterable[Judged]) -> list[Cause]:
    """The causes of everything regressed, fixed, incomplete and known to be broken; in this order, largest first."""
    groups: dict[tuple[Verdict, str | None, str], list[Judged]] = {}
    for one in judged:
        if one.verdict is not Verdict.AS_EXPECTED or one.broken:
            # A fixed case has any green outcome; what it shares with others is the rule that no longer holds.
            outcome = None if one.verdict is Verdict.FIXED else one.outcome
            groups.setdefault((one.verdict, outcome, _cause(one)), []).append(one)
    causes = [Cause(*key, group[0].rule, tuple(group)) for key, group in groups.items()]
    return sorted(causes, key=lambda cause: (ORDER.index(cause.verdict), -len(cause.judged)))


def explain(cause: Cause) -> Iterator[str]:
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


def ways(cause: Cause, judged: Sequence[Judged]) -> Iterator[str]:
    """What the records themselves offer instead."""
    if ways := ways_out([one for one in cause.judged if one.broken], judged):
        yield f"Those of these models that were tried there pass on {', '.join(ways)}."


def _cause(one: Judged) -> str:
    if one.rule is not None and one.verdict is not Verdict.REGRESSED:
        return one.rule.because
    return generalised(one)
