"""Judges an outcome by the rules of matrix.yaml, and makes the exit code. Records hold facts, never verdicts."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from ..config.errors import ExitCode
from ..contract.case import GREEN, SKIPPED, Case
from .store import Record, Recorded

NO_RECORD: Final = "no record: the run did not come this far"
WITHDRAWN: Final = "no record that counts: the last run did not come this far, and the older result is withdrawn"


class Verdict(StrEnum):
    """The verdict on an outcome. Skipped cases are as expected; reports count them apart by outcome."""

    REGRESSED = "regressed"
    FIXED = "fixed"
    INCOMPLETE = "incomplete"
    AS_EXPECTED = "as-expected"


class Rule(Protocol):
    """The part of an expectation that judging and reports use."""

    @property
    def outcome(self) -> str:
        """The expected outcome."""

    @property
    def because(self) -> str:
        """The cause."""

    @property
    def url(self) -> str | None:
        """The issue that tracks it."""

    @property
    def script(self) -> str | None:
        """The script that shows it, if no issue tracks it."""

    @property
    def advice(self) -> str:
        """The workaround for users."""


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
    header: Record | None = None
    """The header of the record's run."""
    withdrawn: bool = False
    """Whether there are results, and a later run that planned the case has none."""
    could_not_run: bool = False
    """Whether a later run could not run the case."""

    @property
    def outcome(self) -> str | None:
        """The recorded outcome; None for an incomplete case."""
        return None if self.record is None else str(self.record["outcome"])

    @property
    def reason(self) -> str:
        """One line on the outcome."""
        return str(self.missing if self.record is None else self.record.get("reason") or self.outcome)

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

    @property
    def broken(self) -> bool:
        """Whether the case was run and failed, expected or not."""
        return self.record is not None and self.outcome not in GREEN | SKIPPED

    @property
    def is_broken_user_model(self) -> bool:
        """Whether a user's model failed, which no rule makes expected."""
        return self.broken and bool((self.header or {}).get("own"))

    @property
    def explanation(self) -> Rule | None:
        """The rule that expects the recorded outcome. A rule that expects another outcome explains nothing."""
        return self.rule if self.verdict is Verdict.AS_EXPECTED else None

    @property
    def explanations(self) -> list[Rule]:
        """All rules that expect the recorded outcome; several give several causes for one failure."""
        return [rule for rule in self.rules if rule.outcome == self.outcome]

    @property
    def silent(self) -> bool:
        """Whether something differed and neither library warned."""
        return self.broken and self.record is not None and bool((self.record.get("detail") or {}).get("silent"))


def judge(planned: Iterable[Case], recorded: Recorded, rules_for: Callable[[Case], Sequence[Rule]]) -> list[Judged]:
    """A verdict for each planned case of a pair's lane; `rules_for` gives the rules that apply to a case."""
    return [_judge(case, recorded, rules_for) for case in planned]


def _judge(case: Case, recorded: Recorded, rules_for: Callable[[Case], Sequence[Rule]]) -> Judged:
    pair, lane, rules = recorded.pair, recorded.lane, tuple(rules_for(case))
    decided = [(*decide(result["outcome"], rules), result) for result in recorded.results_of(case.id)]
    # Of results of equal standing a failure that no rule expects counts, before a withdrawn result.
    regressed = [result for result in decided if result[0] is Verdict.REGRESSED]
    if not regressed and case.id not in recorded.records:
        withdrawn = case.id in recorded.standing.withdrawn
        missing = recorded.failure or (WITHDRAWN if withdrawn else NO_RECORD)
        return Judged(pair, lane, case, Verdict.INCOMPLETE, missing=missing, rules=rules, withdrawn=withdrawn)
    verdict, rule, record = (regressed or decided)[0]
    later = case.id in recorded.standing.not_run
    header = recorded.header_of(record)
    return Judged(pair, lane, case, verdict, record, rule, rules=rules, header=header, could_not_run=later)


def decide(outcome: str, rules: Sequence[Rule]) -> tuple[Verdict, Rule | None]:
    """The verdict on an outcome by the rules that apply, and the rule that decided."""
    if outcome in SKIPPED:
        return Verdict.AS_EXPECTED, None
    for rule in rules:
        if rule.outcome == outcome:
            return Verdict.AS_EXPECTED, rule
    first = rules[0] if rules else None
    if outcome not in GREEN:
        return Verdict.REGRESSED, first
    return (Verdict.AS_EXPECTED if first is None else Verdict.FIXED), first


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
