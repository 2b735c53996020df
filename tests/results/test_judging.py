from dataclasses import replace
from typing import Any

import pytest

from harness.contract.case import GREEN, RED, SKIPPED, Case, Outcome
from harness.contract.finding import ScenarioLine, Tried
from harness.contract.record import Run
from harness.results.explaining import NOTHING, Explanation
from harness.results.judging import LEFT, NO_RECORD, NO_REMEDY, WITHDRAWN, Judged, Verdict, decide, exit_code, judge
from harness.results.store import Recorded
from harness.results.succession import Standing
from tests.findings import case_line, finding, scenario, tried
from tests.known import Known, known

CASE = Case("tower", "a")


def recorded(failure: str | None = None, **fields: Any) -> Recorded:
    """A lane in which the case was recorded, where fields are given."""
    return Recorded("pair", "cpu-float32", {CASE.id: fields} if fields else {}, failure)


def judged(verdict: Verdict) -> Judged:
    return Judged("pair", "cpu-float32", CASE, verdict)


@pytest.mark.parametrize("outcome", sorted(GREEN | SKIPPED))
def test_green_or_skipped_without_a_rule_is_as_expected(outcome: str) -> None:
    assert decide({"outcome": outcome}, [])[0] is Verdict.AS_EXPECTED


@pytest.mark.parametrize("outcome", sorted(RED))
def test_not_green_without_a_rule_is_regressed(outcome: str) -> None:
    assert decide({"outcome": outcome, "reason": "x"}, [])[0] is Verdict.REGRESSED


@pytest.mark.parametrize("expected", sorted(RED))
@pytest.mark.parametrize("outcome", sorted(Outcome))
def test_a_rule_expects_findings_of_its_own_kind_and_nothing_else(outcome: str, expected: str) -> None:
    rule = known(expected)
    verdict, explained = decide({"outcome": outcome, "reason": "x"}, [rule])
    if outcome in SKIPPED:
        wanted: tuple[Any, ...] = (Verdict.AS_EXPECTED, (), ())
    elif outcome in GREEN:
        wanted = (Verdict.FIXED, (), (rule,))
    elif outcome == expected:
        wanted = (Verdict.AS_EXPECTED, (rule,), ())
    else:
        wanted = (Verdict.REGRESSED, (), ())
    assert (verdict, explained.found, explained.gone) == wanted


@pytest.mark.parametrize(
    ("outcome", "verdict", "by"),
    [
        ("keys", Verdict.AS_EXPECTED, 0),
        ("tensors", Verdict.AS_EXPECTED, 1),
        ("error", Verdict.REGRESSED, None),
        ("passed", Verdict.FIXED, 0),
    ],
)
def test_of_several_rules_the_one_that_decides_is_kept(outcome: str, verdict: Verdict, by: int | None) -> None:
    rules = [known("keys"), known("tensors")]
    [case] = judge([CASE], recorded(outcome=outcome, reason="x"), lambda _: rules)
    assert (case.verdict, case.rule) == (verdict, None if by is None else rules[by])
    assert case.explanation == (case.rule if verdict is Verdict.AS_EXPECTED else None)


def test_a_planned_case_without_a_record_is_incomplete() -> None:
    (one,) = judge([CASE], recorded(), lambda _: [])
    assert (one.verdict, one.outcome, one.reason) == (Verdict.INCOMPLETE, None, NO_RECORD)


def test_a_case_is_incomplete_for_the_reason_that_its_environment_failed() -> None:
    (one,) = judge([CASE], recorded(failure="no such release"), lambda _: [known("keys")])
    assert (one.verdict, one.reason) == (Verdict.INCOMPLETE, "no such release")


def test_a_judged_case_keeps_its_place_its_record_and_its_rule() -> None:
    rule = known("keys")
    (one,) = judge(
        [CASE], recorded(outcome="keys", reason="24 keys renamed"), lambda case: [rule] if case == CASE else []
    )
    record = {"outcome": "keys", "reason": "24 keys renamed"}
    explained = Explanation(found=(rule,))
    expected = Judged(
        "pair", "cpu-float32", CASE, Verdict.AS_EXPECTED, record, rule, rules=(rule,), explained=explained
    )
    assert one == expected
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
    rules = (known("keys"), known("tensors"))
    (incomplete,) = judge([CASE], recorded(), lambda _: rules)
    assert (incomplete.rules, incomplete.rule, incomplete.explained) == (rules, None, NOTHING)


OTHER = {"outcome": "tensors", "reason": "x differs"}


def test_of_failing_results_of_equal_standing_one_that_no_rule_explains_counts() -> None:
    standing = Standing(rivals={CASE.id: (OTHER,)})
    lane = replace(recorded(outcome="keys"), standing=standing, runs=[Run({"started": "x"}, {CASE.id: OTHER})])
    (one,) = judge([CASE], lane, lambda _: [known("keys")])
    assert (one.verdict, one.record, one.header) == (Verdict.REGRESSED, OTHER, {"started": "x"})
    (one,) = judge([CASE], lane, lambda _: [known("tensors")])
    assert (one.verdict, one.outcome) == (Verdict.REGRESSED, "keys")


def test_a_case_whose_result_was_withdrawn_says_so() -> None:
    lane = replace(recorded(), standing=Standing(withdrawn={CASE.id}))
    (one,) = judge([CASE], lane, lambda _: [])
    assert (one.verdict, one.withdrawn, one.reason) == (Verdict.INCOMPLETE, True, WITHDRAWN)


def test_a_withdrawn_result_counts_before_a_failure_that_a_rule_expects_and_after_one_that_none_does() -> None:
    lane = replace(recorded(), standing=Standing(withdrawn={CASE.id}, rivals={CASE.id: (OTHER,)}))
    (case,) = judge([CASE], lane, lambda _: [known("tensors")])
    assert (case.verdict, case.withdrawn, case.outcome) == (Verdict.INCOMPLETE, True, None)
    (case,) = judge([CASE], lane, lambda _: [known("keys")])
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
    rules = [known("keys")] if outcome == "keys" else []
    (one,) = judge([CASE], lane, lambda _: rules)
    assert (one.verdict, exit_code([one])) == (Verdict.AS_EXPECTED, code)


# The reason of a case, and whether it is remedied

GAMMA, CAST = finding(how="renamed"), finding("error", what="RuntimeError", how="expected Half")
LOAD = known("keys", "gamma is renamed", remedy="load_by_exact_names")
FILL = known("tensors", "buffers are unset", remedy="fill_non_persistent_buffers")


def judged_line(record: dict[str, Any], *rules: Any) -> Judged:
    [case] = judge([CASE], recorded(**record), lambda _: rules)
    return case


def test_a_regression_gives_what_no_rule_explains_with_what_is_known_beside_it() -> None:
    case = judged_line(case_line(scenario("", GAMMA, CAST)), LOAD)
    assert case.reason == f"{CAST.words}; known beside it: gamma is renamed"
    assert (case.verdict, case.rule, case.explanation) == (Verdict.REGRESSED, LOAD, None)


def test_a_regression_gives_its_own_reason_with_what_is_no_longer_there() -> None:
    rule = known("keys", "gamma is renamed", scenarios=("hidden*",))
    case = judged_line(case_line(scenario("", CAST), scenario("hidden states")), rule)
    assert case.reason == "error here; known, and not there: gamma is renamed"


def test_a_regression_of_which_nothing_is_known_gives_its_own_reason() -> None:
    assert judged_line(case_line(scenario("", CAST)), LOAD).reason == "error here"


def test_a_remedy_that_does_not_hold_is_named_with_what_it_leaves() -> None:
    line = case_line(scenario("", GAMMA, remedied=tried([LOAD, FILL], CAST)))
    case = judged_line(line, LOAD, FILL)
    assert case.verdict is Verdict.REGRESSED
    assert case.reason == f"with the remedy load_by_exact_names, fill_non_persistent_buffers: {CAST.words}: {LEFT}"


def test_a_case_whose_remedy_was_not_run_names_it() -> None:
    case = judged_line(case_line(scenario("", GAMMA)), LOAD)
    assert (case.verdict, case.reason) == (Verdict.INCOMPLETE, f"{NO_REMEDY}: load_by_exact_names")


REMEDIED = {
    "green with its remedy": ([scenario("", GAMMA, remedied=tried([LOAD]))], [LOAD], True),
    "another scenario green as it is": (
        [scenario("", GAMMA, remedied=tried([LOAD])), scenario("hidden states")],
        [LOAD],
        True,
    ),
    "no remedy": ([scenario("", GAMMA)], [known("keys")], False),
    "one scenario without a remedy": (
        [scenario("", GAMMA, remedied=tried([LOAD])), scenario("hidden states", CAST)],
        [LOAD, known("error")],
        False,
    ),
    "something known is left": ([scenario("", GAMMA, remedied=tried([LOAD], CAST))], [LOAD, known("error")], False),
    "something unknown is left": ([scenario("", GAMMA, remedied=tried([LOAD], CAST))], [LOAD], False),
    "remedy not run": ([scenario("", GAMMA)], [LOAD], False),
    "remedy of older code": (
        [scenario("", GAMMA, remedied={LOAD.id: Tried(Outcome.PASSED, (), ("load_by_exact_names@0",))})],
        [LOAD],
        False,
    ),
    "green": ([scenario("")], [], False),
}


@pytest.mark.parametrize(("scenarios", "rules", "remedied"), REMEDIED.values(), ids=REMEDIED)
def test_a_case_is_remedied_where_every_scenario_is_green_as_it_is_or_with_remedies(
    scenarios: list[ScenarioLine],
    rules: list[Known],
    remedied: bool,  # noqa: FBT001
) -> None:
    assert judged_line(case_line(*scenarios), *rules).is_remedied is remedied
