"""Outcomes held against the rules of matrix.yaml. Facts are recorded, judged when they are read."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from ..config.errors import ExitCode
from ..contract.case import GREEN, SKIPPED, Case
from .store import Record, Recorded

NO_RECORD: Final = "no record: the run did not come this far"


class Verdict(StrEnum):
    """What an outcome means. A case that was not run, or cannot be, is as expected and counted apart by its outcome."""

    REGRESSED = "regressed"
    FIXED = "fixed"
    INCOMPLETE = "incomplete"
    AS_EXPECTED = "as-expected"


class Rule(Protocol):
    """What judging and reporting need of an expectation in matrix.yaml."""

    @property
    def outcome(self) -> str:
        """The outcome that is known."""

    @property
    def because(self) -> str:
        """Why it is so."""

    @property
    def url(self) -> str | None:
        """Where it is tracked."""

    @property
    def script(self) -> str | None:
        """What shows it, where nothing tracks it."""

    @property
    def advice(self) -> str:
        """What a user of such a pair can do."""


@dataclass(frozen=True)
class Judged:
    """One planned case with its verdict, the record that it rests on, and the rule that it was held against.

    `record` is None for an incomplete case; then `missing` says why there is none.
    """

    pair: str
    lane: str
    case: Case
    verdict: Verdict
    record: Record | None = None
    rule: Rule | None = None
    missing: str | None = None
    rules: tuple[Rule, ...] = ()
    """All that speak of the case; `rule` is the one that decided."""
    header: Record | None = None
    """That of the run which the record is of."""

    @property
    def outcome(self) -> str | None:
        """What was recorded; None for an incomplete case."""
        return None if self.record is None else str(self.record["outcome"])

    @property
    def reason(self) -> str:
        """One line on what happened."""
        return str(self.missing if self.record is None else self.record.get("reason") or self.outcome)

    @property
    def seconds(self) -> float | None:
        """How long it took; None where nothing was run for it."""
        found: float | None = (self.record or {}).get("seconds")
        return found

    @property
    def same_as(self) -> Case | None:
        """The case that was run for this one too; None where it was run itself, or not at all."""
        found = (self.record or {}).get("same_as")
        return Case.parse(found) if found else None

    @property
    def broken(self) -> bool:
        """Whether the case was run and its model did not come back, known or not."""
        return self.record is not None and self.outcome not in GREEN | SKIPPED

    @property
    def explanation(self) -> Rule | None:
        """The rule that explains what was recorded; one that the case was only held against explains nothing."""
        return self.rule if self.verdict is Verdict.AS_EXPECTED else None

    @property
    def explanations(self) -> list[Rule]:
        """Every rule that names what was recorded; two of them give two causes for one failure."""
        return [rule for rule in self.rules if rule.outcome == self.outcome]

    @property
    def silent(self) -> bool:
        """Whether something differed and neither library warned."""
        return self.broken and self.record is not None and bool((self.record.get("detail") or {}).get("silent"))


def judge(planned: Iterable[Case], recorded: Recorded, rules_for: Callable[[Case], Sequence[Rule]]) -> list[Judged]:
    """A verdict for each planned case of a pair's lane; `rules_for` gives the rules that apply to a case."""
    return [_judge(case, recorded, rules_for) for case in planned]


def _judge(case: Case, recorded: Recorded, rules_for: Callable[[Case], Sequence[Rule]]) -> Judged:
    pair, lane = recorded.pair, recorded.lane
    record, rules = recorded.records.get(case.id), tuple(rules_for(case))
    if record is None:
        return Judged(pair, lane, case, Verdict.INCOMPLETE, missing=recorded.unmade or NO_RECORD, rules=rules)
    verdict, rule = decide(record["outcome"], rules)
    return Judged(pair, lane, case, verdict, record, rule, rules=rules, header=recorded.headers.get(case.id))


def decide(outcome: str, rules: Sequence[Rule]) -> tuple[Verdict, Rule | None]:
    """The verdict on an outcome where these rules apply, and the rule that decided it."""
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
    """1 where anything regressed or is fixed, else 4 where anything is incomplete, else 0; 3 for no case at all."""
    verdicts = {one.verdict for one in judged}
    if not verdicts:
        return ExitCode.NOTHING_SELECTED
    if verdicts & {Verdict.REGRESSED, Verdict.FIXED}:
        return ExitCode.CHANGED
    return ExitCode.INCOMPLETE if Verdict.INCOMPLETE in verdicts else ExitCode.AS_EXPECTED
