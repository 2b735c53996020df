"""Cases that are not green, grouped by cause: one cause may break many models."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ..config.text import number
from ..results.explaining import Rule
from ..results.failure import generalised
from ..results.judging import Judged, Verdict
from ..results.pair_diff import alternative_routes
from . import marks

MANY: Final = 6  # routes
ORDER: Final = (Verdict.REGRESSED, Verdict.FIXED, Verdict.INCOMPLETE, Verdict.AS_EXPECTED)


@dataclass(frozen=True)
class Cause:
    """Cases that share a verdict, an outcome and, as far as their reasons tell, a cause."""

    verdict: Verdict
    outcome: str | None
    name: str
    """The rule's reason, or else the cases' own without names and numbers."""
    rule: Rule | None
    judged: tuple[Judged, ...]

    @property
    def example(self) -> Judged:
        """The case that is quickest to run again; the first if none has a time."""
        return min(self.judged, key=lambda case: case.seconds or math.inf)

    @property
    def routes(self) -> list[str]:
        """The routes concerned, in the order in which they were planned."""
        return list(dict.fromkeys(case.case.route for case in self.judged))

    @property
    def heading(self) -> list[str]:
        """The items of its heading: verdict, routes, outcome, and how many models, cases and pairs."""
        mark = marks.mark_of(self.example)
        routes = ", ".join(self.routes) if len(self.routes) <= MANY else number(len(self.routes), "route")
        counts = [
            number(len(self.models), "model"),
            number(len(self.judged), "case"),
            number(len(self.pairs), "pair"),
        ]
        outcome = [self.outcome] if self.outcome else []
        return [f"{mark.shape} {mark.word}", routes, *outcome, ", ".join(counts)]

    @property
    def models(self) -> set[str]:
        """The models concerned."""
        return {case.case.model for case in self.judged}

    @property
    def pairs(self) -> set[str]:
        """The ids of the pairs concerned."""
        return {case.pair for case in self.judged}


def find(judged: Iterable[Judged]) -> list[Cause]:
    """The causes of everything regressed, fixed, incomplete and known to be broken; in this order, largest first."""
    groups: dict[tuple[Verdict, str | None, str], list[Judged]] = {}
    for case in judged:
        if case.verdict is not Verdict.AS_EXPECTED or case.broken:
            # A fixed case has any green outcome; what it shares with others is the rule that no longer holds.
            outcome = None if case.verdict is Verdict.FIXED else case.outcome
            groups.setdefault((case.verdict, outcome, _name(case)), []).append(case)
    causes = [Cause(*key, group[0].rule, tuple(group)) for key, group in groups.items()]
    return sorted(causes, key=lambda cause: (ORDER.index(cause.verdict), -len(cause.judged)))


def explain(cause: Cause) -> Iterator[str]:
    """The reason of the example, and what its rule says; of a fixed cause the rule alone."""
    if cause.verdict is not Verdict.FIXED:
        yield cause.example.reason
    if cause.rule is None:
        return
    if cause.verdict is Verdict.REGRESSED:
        return  # the reason names what is known beside it
    starts = {Verdict.FIXED: f"no longer {cause.rule.outcome}: "}
    yield starts.get(cause.verdict, "because ") + cause.rule.because
    if cause.verdict is Verdict.AS_EXPECTED:
        yield from (text for text in (cause.rule.advice, remedy(cause), cause.rule.url or cause.rule.script) if text)


def remedy(cause: Cause) -> str | None:
    """Whether the remedy of the cause's rule was run and holds; None if the rule has none."""
    rule = cause.rule
    states = Counter(case.explained.remedies.get(rule.id) for case in cause.judged) if rule else Counter()
    if rule is None or not (tried := sum(states.values()) - states[None]):
        return None
    green = sum(case.is_remedied for case in cause.judged)
    rest = "" if green == tried else f"; {number(tried - green, 'case')} broken for another known reason too"
    return f"remedy {rule.remedy}: {green} of {number(tried, 'case')} green with it{rest}"


def alternatives(broken: Sequence[Judged], judged: Iterable[Judged]) -> list[str]:
    """At most one sentence: the routes on which, among all `judged`, the models of the `broken` cases pass."""
    routes = alternative_routes(broken, judged)
    return [f"All of these models that were tried on {', '.join(routes)} pass there."] if routes else []


def alternatives_to(cause: Cause, judged: Iterable[Judged]) -> list[str]:
    """The same for the broken cases of a cause."""
    return alternatives([case for case in cause.judged if case.broken], judged)


def _name(case: Judged) -> str:
    if case.rule is not None and case.verdict is not Verdict.REGRESSED:
        return case.rule.because
    return generalised(case)
