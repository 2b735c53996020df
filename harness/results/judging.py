"""Judges an outcome by the rules of matrix.yaml, and makes the exit code. Records hold facts, never verdicts."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

from ..config.errors import ExitCode
from ..contract.case import GREEN, SKIPPED, Case
from ..contract.finding import ScenarioLine, scenarios_of
from .explaining import NOTHING, Explanation, Remedied, Rule, Seen, explain
from .store import Record, Recorded

LEFT: Final = "the advice is wrong, or something else is broken too"
NO_RECORD: Final = "no record: the run did not come this far"
NO_REMEDY: Final = "known, and its remedy has not been run yet"
WITHDRAWN: Final = "no record that counts: the last run did not come this far, and the older result is withdrawn"


class Verdict(StrEnum):
    """The verdict on an outcome. Skipped cases are as expected; reports count them apart by outcome."""

    REGRESSED = "regressed"
    FIXED = "fixed"
    INCOMPLETE = "incomplete"
    AS_EXPECTED = "as-expected"


@dataclass(frozen=True)
class Judged:
    """A planned case with its verdict, its record, and the rule that decided.

    `record` is None for an incomplete case; then `missing` says why.
    """

    pair: str
    lane: str
    case: Case
    verdict: Verdict
    record: Record | None = None
    rule: Rule | None = None
    missing: str | None = None
    rules: tuple[Rule, ...] = ()
    """All rules that apply to the case."""
    explained: Explanation = NOTHING
    """What they say of its findings."""
    header: Record | None = None
    """The header of the record's run."""
    withdrawn: bool = False
    """Whether there are results, and a later run that planned the case has none."""
    could_not_run: bool = False
    """Whether a later run could not run the case."""

    @cached_property  # reports ask a dozen times
    def outcome(self) -> str | None:
        """The recorded outcome; None for an incomplete case."""
        return None if self.record is None else str(self.record["outcome"])

    @cached_property  # which reads each scenario of the record
    def scenarios(self) -> tuple[ScenarioLine, ...]:
        """The scenarios on record; none of an incomplete case."""
        return scenarios_of(self.record) if self.record else ()

    @property
    def reason(self) -> str:
        """One line on the outcome, or on what no rule explains, with what is known beside it."""
        if self.record is None:
            return str(self.missing)
        if self.verdict is Verdict.INCOMPLETE:
            return f"{NO_REMEDY}: {', '.join(self._remedies_that(Remedied.NOT_RUN))}"
        reason = str(self.record.get("reason") or self.outcome)
        if self.explained.unexplained:
            return self._unexplained(reason, self.explained.unexplained[0])
        if self.explained.disputed:
            return (
                f"{reason}; {' and '.join(rule.id for rule in self.explained.disputed)} explain it: narrow one of them"
            )
        return reason

    def _unexplained(self, reason: str, first: Seen) -> str:
        known = f"; known beside it: {self.explained.found[0].because}" if self.explained.found else ""
        absent = f"; known, and not there: {self.explained.absent[0].because}" if self.explained.absent else ""
        if first.remedies:
            remedies = ", ".join(rule.remedy for rule in first.remedies)
            return f"with the remedy {remedies}: {first.words}: {LEFT}"
        return f"{first.words if known else reason}{known}{absent}"

    def _remedies_that(self, state: Remedied) -> list[str]:
        ids = [rule for rule, remedied in self.explained.remedies.items() if remedied is state]
        return [rule.remedy for rule in self.explained.found if rule.id in ids]

    @cached_property  # every report asks for it
    def is_remedied(self) -> bool:
        """Whether the case is known to be broken, and every scenario of it is green as it is or with its remedies."""
        if not self.broken or self.verdict is not Verdict.AS_EXPECTED:
            return False
        return all(
            not scenario.findings
            or (scenario.remedied and not any(tried.findings for tried in scenario.remedied.values()))
            for scenario in self.scenarios
        )

    @property
    def seconds(self) -> float | None:
        """How long the case took; None if it was not run itself."""
        seconds: float | None = (self.record or {}).get("seconds")
        return seconds

    @property
    def same_as(self) -> Case | None:
        """The case that was run in its stead, or None."""
        case_id = (self.record or {}).get("same_as")
        return Case.parse(case_id) if case_id else None

    @cached_property  # as above
    def broken(self) -> bool:
        """Whether the case was run and failed, expected or not."""
        return self.record is not None and self.outcome not in GREEN | SKIPPED

    @property
    def is_broken_user_model(self) -> bool:
        """Whether a user's model failed, which no rule makes expected."""
        return self.broken and bool((self.header or {}).get("own"))

    @property
    def explanation(self) -> Rule | None:
        """The rule that explains the worst finding, if rules explain all of them."""
        return self.rule if self.verdict is Verdict.AS_EXPECTED else None

    @property
    def silent(self) -> bool:
        """Whether something differed and neither library warned."""
        return self.broken and self.record is not None and bool((self.record.get("detail") or {}).get("silent"))


def judge(planned: Iterable[Case], recorded: Recorded, rules_for: Callable[[Case], Sequence[Rule]]) -> list[Judged]:
    """A verdict for each planned case of a pair's lane; `rules_for` gives the rules that apply to a case."""
    return [_judge(case, recorded, rules_for) for case in planned]


def _judge(case: Case, recorded: Recorded, rules_for: Callable[[Case], Sequence[Rule]]) -> Judged:
    pair, lane, rules = recorded.pair, recorded.lane, tuple(rules_for(case))
    decided = [(*decide(result, rules), result) for result in recorded.results_of(case.id)]
    # Of results of equal standing a failure that no rule expects counts, before a withdrawn result.
    regressed = [result for result in decided if result[0] is Verdict.REGRESSED]
    if not regressed and case.id not in recorded.records:
        withdrawn = case.id in recorded.standing.withdrawn
        missing = recorded.failure or (WITHDRAWN if withdrawn else NO_RECORD)
        return Judged(pair, lane, case, Verdict.INCOMPLETE, missing=missing, rules=rules, withdrawn=withdrawn)
    verdict, explained, record = (regressed or decided)[0]
    later = case.id in recorded.standing.not_run
    header = recorded.header_of(record)
    first = next(iter(explained.gone if verdict is Verdict.FIXED else explained.found), None)
    return Judged(pair, lane, case, verdict, record, first, None, rules, explained, header, could_not_run=later)


def decide(record: Record, rules: Sequence[Rule]) -> tuple[Verdict, Explanation]:
    """The verdict on a result by the rules that apply to its case, and what they say of its findings."""
    explained = explain(record, rules)
    return _verdict(record, explained), explained


def _verdict(record: Record, explained: Explanation) -> Verdict:
    remedies = set(explained.remedies.values())
    if (
        explained.unexplained
        or explained.disputed
        or (record["outcome"] not in GREEN | SKIPPED and not explained.found)
    ):
        return Verdict.REGRESSED
    if Remedied.NOT_RUN in remedies:
        return Verdict.INCOMPLETE
    return Verdict.FIXED if explained.gone else Verdict.AS_EXPECTED


def exit_code(judged: Iterable[Judged]) -> ExitCode:
    """1 if any case regressed or is fixed, or a user's model is broken, else 4 if any is incomplete, else 0.

    3 without any case.
    """
    cases = list(judged)
    verdicts = {case.verdict for case in cases}
    if not verdicts:
        return ExitCode.NOTHING_SELECTED
    if verdicts & {Verdict.REGRESSED, Verdict.FIXED} or any(case.is_broken_user_model for case in cases):
        return ExitCode.CHANGED
    return ExitCode.INCOMPLETE if Verdict.INCOMPLETE in verdicts else ExitCode.AS_EXPECTED
