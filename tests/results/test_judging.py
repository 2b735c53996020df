from dataclasses import dataclass, replace
from typing import Any

import pytest

from harness.contract.case import GREEN, RED, SKIPPED, Case, Outcome
from harness.contract.record import Run
from harness.results.judging import NO_RECORD, WITHDRAWN, Judged, Verdict, decide, exit_code, judge
from harness.results.store import Recorded
from harness.results.succession import Standing


@dataclass(frozen=True)
class Known:
    """A stand-in for a rule of matrix.yaml."""

    outcome: str
    because: str = "known"
    url: str | None = None
    script: str | None = None
    advice: str = "upgrade"


CASE = Case("tower", "a")


def recorded(failure: str | None = None, **fields: Any) -> Recorded:
    """A lane in which the case was recorded, where fields are given."""
    return Recorded("pair", "cpu-float32", {CASE.id: fields} if fields else {}, failure)


def judged(verdict: Verdict) -> Judged:
    return Judged("pair", "cpu-float32", CASE, verdict)


@pytest.mark.parametrize("outcome", sorted(GREEN))
def test_green_without_a_rule_is_as_expected(outcome: str) -> None:
    assert decide(outcome, []) == (Verdict.AS_EXPECTED, None)


@pytest.mark.parametrize("outcome", sorted(RED))
def test_not_green_without_a_rule_is_regressed(outcome: str) -> None:
    assert decide(outcome, []) == (Verdict.REGRESSED, None)


@pytest.mark.parametrize("expected", sorted(RED))
@pytest.mark.parametrize("outcome", sorted(Outcome))
def test_a_rule_expects_its_own_outcome_and_nothing_else(outcome: str, expected: str) -> None:
    rule = Known(expected)
    if outcome in SKIPPED:
        wanted: tuple[Verdict, Known | None] = (Verdict.AS_EXPECTED, None)
    elif outcome in GREEN:
        wanted = (Verdict.FIXED, rule)
    else:
        wanted = (Verdict.AS_EXPECTED if outcome == expected else Verdict.REGRESSED, rule)
    assert decide(outcome, [rule]) == wanted


@pytest.mark.parametrize(
    ("outcome", "verdict", "by"),
    [
        ("keys", Verdict.AS_EXPECTED, 0),
        ("tensors", Verdict.AS_EXPECTED, 1),
        ("error", Verdict.REGRESSED, 0),
        ("passed", Verdict.FIXED, 0),
    ],
)
def test_of_several_rules_any_may_name_the_outcome(outcome: str, verdict: Verdict, by: int) -> None:
    rules = [Known("keys"), Known("tensors")]
    assert decide(outcome, rules) == (verdict, rules[by])


def test_an_outcome_that_is_not_known_is_never_green() -> None:
    assert decide("fine", []) == (Verdict.REGRESSED, None)


def test_a_planned_case_without_a_record_is_incomplete() -> None:
    (one,) = judge([CASE], recorded(), lambda _: [])
    assert (one.verdict, one.outcome, one.reason) == (Verdict.INCOMPLETE, None, NO_RECORD)


def test_a_case_is_incomplete_for_the_reason_that_its_environment_failed() -> None:
    (one,) = judge([CASE], recorded(failure="no such release"), lambda _: [Known("keys")])
    assert (one.verdict, one.reason) == (Verdict.INCOMPLETE, "no such release")


def test_a_judged_case_keeps_its_place_its_record_and_its_rule() -> None:
    rule = Known("keys")
    (one,) = judge(
        [CASE], recorded(outcome="keys", reason="24 keys renamed"), lambda case: [rule] if case == CASE else []
    )
    record = {"outcome": "keys", "reason": "24 keys renamed"}
    assert one == Judged("pair", "cpu-float32", CASE, Verdict.AS_EXPECTED, record, rule, rules=(rule,))
    assert (one.outcome, one.reason) == ("keys", "24 keys renamed")


def test_only_planned_cases_are_judged() -> None:
    assert judge([], recorded(outcome="keys"), lambda _: []) == []


@pytest.mark.parametrize("outcome", sorted(Outcome))
def test_broken_is_what_ran_and_is_not_green(outcome: str) -> None:
    (one,) = judge([CASE], recorded(outcome=outcome, detail={"silent": True}), lambda _: [])
    assert one.broken == (outcome in RED)
    assert one.silent == (outcome in RED)


def test_a_case_without_a_record_is_neither_broken_nor_silent() -> None:
    (one,) = judge([CASE], recorded(), lambda _: [])
    assert not one.broken
    assert not one.silent


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([Verdict.AS_EXPECTED], 0),
        ([Verdict.AS_EXPECTED, Verdict.REGRESSED], 1),
        ([Verdict.FIXED], 1),
        ([Verdict.AS_EXPECTED, Verdict.INCOMPLETE], 4),
        ([Verdict.INCOMPLETE, Verdict.REGRESSED], 1),
        ([Verdict.INCOMPLETE, Verdict.FIXED], 1),
        ([], 3),
    ],
    ids=[
        "as expected",
        "regressed",
        "fixed",
        "incomplete",
        "incomplete and regressed",
        "incomplete and fixed",
        "empty",
    ],
)
def test_the_exit_code_tells_the_first_that_applies(verdicts: list[Verdict], code: int) -> None:
    assert exit_code(map(judged, verdicts)) == code


def test_a_case_without_a_record_keeps_the_rules_that_speak_of_it_and_none_decides() -> None:
    rules = (Known("keys"), Known("tensors"))
    (incomplete,) = judge([CASE], recorded(), lambda _: rules)
    assert (incomplete.rules, incomplete.rule, incomplete.explanations) == (rules, None, [])


OTHER = {"outcome": "tensors", "reason": "x differs"}


def test_of_failing_results_of_equal_standing_one_that_no_rule_explains_counts() -> None:
    standing = Standing(rivals={CASE.id: (OTHER,)})
    lane = replace(recorded(outcome="keys"), standing=standing, runs=[Run({"started": "x"}, {CASE.id: OTHER})])
    (one,) = judge([CASE], lane, lambda _: [Known("keys")])
    assert (one.verdict, one.record, one.header) == (Verdict.REGRESSED, OTHER, {"started": "x"})
    (one,) = judge([CASE], lane, lambda _: [Known("tensors")])
    assert (one.verdict, one.outcome) == (Verdict.REGRESSED, "keys")


def test_a_case_whose_result_was_withdrawn_says_so() -> None:
    lane = replace(recorded(), standing=Standing(withdrawn={CASE.id}))
    (one,) = judge([CASE], lane, lambda _: [])
    assert (one.verdict, one.withdrawn, one.reason) == (Verdict.INCOMPLETE, True, WITHDRAWN)


def test_a_withdrawn_result_counts_before_a_failure_that_a_rule_expects_and_after_one_that_none_does() -> None:
    lane = replace(recorded(), standing=Standing(withdrawn={CASE.id}, rivals={CASE.id: (OTHER,)}))
    (case,) = judge([CASE], lane, lambda _: [Known("tensors")])
    assert (case.verdict, case.withdrawn, case.outcome) == (Verdict.INCOMPLETE, True, None)
    (case,) = judge([CASE], lane, lambda _: [Known("keys")])
    assert (case.verdict, case.withdrawn, case.outcome) == (Verdict.REGRESSED, False, "tensors")


def test_a_case_that_could_not_be_run_later_keeps_its_result_and_says_so() -> None:
    lane = replace(recorded(outcome="keys"), standing=Standing(not_run={CASE.id}))
    (one,) = judge([CASE], lane, lambda _: [])
    assert (one.outcome, one.could_not_run) == ("keys", True)


@pytest.mark.parametrize(
    ("outcome", "own", "code"),
    [("keys", True, 1), ("keys", False, 0), ("passed", True, 0), ("unsupported", True, 0), ("not-run", True, 0)],
)
def test_a_users_model_that_is_broken_is_exit_code_1_even_if_a_rule_explains_it(
    outcome: str,
    own: bool,  # noqa: FBT001
    code: int,
) -> None:
    record = {"outcome": outcome}
    header = {"own": {"target": "a:B", "config": None, "maker": None} if own else None}
    lane = Recorded("pair", "cpu-float32", {CASE.id: record}, runs=[Run(header, {CASE.id: record})])
    rules = [Known("keys")] if outcome == "keys" else []
    (one,) = judge([CASE], lane, lambda _: rules)
    assert (one.verdict, exit_code([one])) == (Verdict.AS_EXPECTED, code)
