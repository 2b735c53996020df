"""What rules explain of a case's findings, what not, and whether their remedies were run and hold."""

from dataclasses import replace
from typing import Any

import pytest

from harness.contract.case import SKIPPED
from harness.contract.finding import Finding
from harness.results.explaining import NOTHING, Remedied, Seen, explain
from harness.results.judging import Verdict, decide
from tests.findings import case_line, finding, scenario, tried
from tests.known import known

GAMMA, BETA = finding(how="gamma renamed weight"), finding(what="a.beta", how="beta renamed bias")
UNSET = finding("tensors", what="rope", how="uninitialised")
CAST = finding("error", what="RuntimeError", how="expected Half")
MOVE = known("keys", "gamma", how="gamma*")
LOAD = known("keys", "gamma", how="gamma*", remedy="load_by_exact_names")
FILL = known("tensors", "buffers", what="rope", remedy="fill_non_persistent_buffers")


def verdict(record: dict[str, Any], *rules: Any) -> Verdict:
    return decide(record, rules)[0]


# Explained, and not


def test_a_finding_that_a_rule_explains_is_found_and_leaves_nothing() -> None:
    line = case_line(scenario("", GAMMA))
    explained = explain(line, [MOVE])
    assert (explained.found, explained.unexplained, explained.gone, explained.remedies) == ((MOVE,), (), (), {})
    assert verdict(line, MOVE) is Verdict.AS_EXPECTED


def test_a_finding_that_no_rule_explains_is_a_regression_beside_a_known_one() -> None:
    line = case_line(scenario("", GAMMA, BETA))
    explained = explain(line, [MOVE])
    assert (explained.found, explained.unexplained) == ((MOVE,), (Seen("", BETA),))
    assert verdict(line, MOVE) is Verdict.REGRESSED


def test_a_finding_of_another_scenario_is_not_hidden_by_a_known_one() -> None:
    line = case_line(scenario("", GAMMA), scenario("hidden states", CAST), scenario("other channels"))
    explained = explain(line, [MOVE])
    assert (explained.found, explained.unexplained) == ((MOVE,), (Seen("hidden states", CAST),))
    assert explained.unexplained[0].words == f"{CAST.words} (hidden states)"
    assert verdict(line, MOVE) is Verdict.REGRESSED


def test_without_rules_every_finding_is_unexplained() -> None:
    explained = explain(case_line(scenario("", GAMMA, BETA)), [])
    assert [seen.finding for seen in explained.unexplained] == [GAMMA, BETA]


@pytest.mark.parametrize("outcome", sorted(SKIPPED))
def test_of_a_case_that_was_not_run_nothing_is_known(outcome: str) -> None:
    assert explain({"outcome": outcome, "reason": "no GPU"}, [MOVE]) is NOTHING


def test_the_rule_of_the_worst_scenario_comes_first() -> None:
    error = known("error", "cast", what="RuntimeError", how="*Half*")
    line = case_line(scenario("", CAST), scenario("hidden states", GAMMA))
    assert explain(line, [error, MOVE]).found == (MOVE, error)


def test_a_case_whose_process_died_is_explained_by_a_rule_of_its_outcome_and_reason() -> None:
    line = {"outcome": "crashed", "reason": "killed by signal 11"}
    signal = known("crashed", "segfault", how="*signal 11*")
    other = known("crashed", "bus error", how="*signal 7*")
    assert (verdict(line, signal), verdict(line, other), verdict(line)) == (
        Verdict.AS_EXPECTED,
        Verdict.REGRESSED,
        Verdict.REGRESSED,
    )


# Remedies


def test_a_remedy_after_which_nothing_is_found_holds() -> None:
    line = case_line(scenario("", GAMMA, remedied=tried([LOAD])))
    assert dict(explain(line, [LOAD]).remedies) == {LOAD.id: Remedied.HOLDS}
    assert verdict(line, LOAD) is Verdict.AS_EXPECTED


@pytest.mark.parametrize("left", [GAMMA, BETA], ids=["the same finding", "another one"])
def test_a_remedy_that_leaves_a_finding_fails_and_that_is_a_regression(left: Finding) -> None:
    line = case_line(scenario("", GAMMA, remedied=tried([LOAD], left)))
    explained = explain(line, [LOAD])
    assert (dict(explained.remedies), explained.unexplained) == (
        {LOAD.id: Remedied.FAILS},
        (Seen("", left, (LOAD,)),),
    )
    assert verdict(line, LOAD) is Verdict.REGRESSED


def test_a_remedy_that_leaves_what_a_rule_without_one_explains_holds() -> None:
    unset = known("tensors", "buffers", what="rope")
    line = case_line(scenario("", GAMMA, remedied=tried([LOAD], UNSET)))
    explained = explain(line, [LOAD, unset])
    assert (explained.found, dict(explained.remedies)) == ((LOAD, unset), {LOAD.id: Remedied.HOLDS})
    assert verdict(line, LOAD, unset) is Verdict.AS_EXPECTED


@pytest.mark.parametrize(
    "remedied",
    [
        {},
        {LOAD.id: replace(tried([LOAD])[LOAD.id], remedies=("load_by_exact_names@00000000",))},
        {LOAD.id: replace(tried([LOAD])[LOAD.id], remedies=tried([FILL])[FILL.id].remedies)},
        {"withdrawn": tried([FILL])[FILL.id], **tried([LOAD])},
    ],
    ids=["never", "with older code", "with another remedy", "with that of a rule that is gone"],
)
def test_a_remedy_that_was_not_run_as_it_is_today_makes_a_case_incomplete(remedied: Any) -> None:
    line = case_line(scenario("", GAMMA, remedied=remedied))
    explained = explain(line, [LOAD])
    assert (explained.found, dict(explained.remedies), explained.unexplained) == (
        (LOAD,),
        {LOAD.id: Remedied.NOT_RUN},
        (),
    )
    assert verdict(line, LOAD) is Verdict.INCOMPLETE


def test_a_remedy_has_to_be_run_in_every_scenario() -> None:
    line = case_line(scenario("", GAMMA, remedied=tried([LOAD])), scenario("hidden states", GAMMA))
    for scenarios in (line["scenarios"], line["scenarios"][::-1]):
        assert verdict({**line, "scenarios": scenarios}, LOAD) is Verdict.INCOMPLETE


def test_a_regression_counts_before_a_remedy_that_was_not_run() -> None:
    line = case_line(scenario("", GAMMA), scenario("hidden states", CAST))
    assert verdict(line, LOAD) is Verdict.REGRESSED


def test_beside_an_unexplained_finding_nobody_asks_for_a_remedy() -> None:
    explained = explain(case_line(scenario("", GAMMA, BETA)), [LOAD])
    assert (dict(explained.remedies), explained.unexplained) == ({}, (Seen("", BETA),))


def test_a_rule_whose_remedy_was_needed_behind_another_is_found_and_not_gone() -> None:
    line = case_line(scenario("", GAMMA, remedied=tried([LOAD, FILL])))
    explained = explain(line, [LOAD, FILL])
    assert (explained.found, explained.gone) == ((LOAD, FILL), ())
    assert dict(explained.remedies) == {LOAD.id: Remedied.HOLDS, FILL.id: Remedied.HOLDS}
    assert verdict(line, LOAD, FILL) is Verdict.AS_EXPECTED


def test_what_a_remedy_of_a_rule_behind_another_leaves_fails_both() -> None:
    explained = explain(case_line(scenario("", GAMMA, remedied=tried([LOAD, FILL], UNSET))), [LOAD, FILL])
    assert dict(explained.remedies) == {LOAD.id: Remedied.FAILS, FILL.id: Remedied.FAILS}
    assert explained.unexplained == (Seen("", UNSET, (LOAD, FILL)),)


def test_a_remedy_behind_another_whose_code_has_changed_was_not_run() -> None:
    both = tried([LOAD, FILL])
    old = tuple(
        version.replace("fill_non_persistent_buffers@", "fill_non_persistent_buffers@0")
        for version in both[LOAD.id].remedies
    )
    line = case_line(scenario("", GAMMA, remedied={rule: replace(run, remedies=old) for rule, run in both.items()}))
    assert verdict(line, LOAD, FILL) is Verdict.INCOMPLETE


def test_a_remedy_that_a_new_rule_has_for_what_another_left_was_not_run() -> None:
    line = case_line(scenario("", GAMMA, remedied=tried([LOAD], UNSET)))
    assert dict(explain(line, [LOAD, FILL]).remedies) == {LOAD.id: Remedied.HOLDS, FILL.id: Remedied.NOT_RUN}
    assert verdict(line, LOAD, FILL) is Verdict.INCOMPLETE


# Gone


def test_a_rule_whose_finding_is_not_there_is_gone() -> None:
    line = case_line(scenario(""), scenario("hidden states"))
    assert (explain(line, [MOVE]).gone, verdict(line, MOVE)) == ((MOVE,), Verdict.FIXED)
    assert (explain({"outcome": "drifted"}, [MOVE]).gone, verdict({"outcome": "passed"}, MOVE)) == (
        (MOVE,),
        Verdict.FIXED,
    )


def test_a_rule_is_not_gone_where_a_scenario_stays_broken() -> None:
    unset = known("tensors", "buffers", what="rope")
    line = case_line(scenario("", UNSET), scenario("hidden states"))
    assert (explain(line, [MOVE, unset]).gone, verdict(line, MOVE, unset)) == ((), Verdict.AS_EXPECTED)
    regressed = case_line(scenario("", CAST), scenario("hidden states"))
    assert (explain(regressed, [MOVE]).gone, verdict(regressed, MOVE)) == ((), Verdict.REGRESSED)


def test_a_rule_is_gone_where_a_remedy_leaves_nothing_that_could_hide_its_finding() -> None:
    line = case_line(scenario("", UNSET, remedied=tried([FILL])))
    assert (explain(line, [FILL, MOVE]).gone, verdict(line, FILL, MOVE)) == ((MOVE,), Verdict.FIXED)
    left = case_line(scenario("", UNSET, remedied=tried([FILL], CAST)))
    cast = known("error", "cast", what="RuntimeError", how="*Half*")
    assert (explain(left, [FILL, MOVE, cast]).gone, verdict(left, FILL, MOVE, cast)) == ((), Verdict.AS_EXPECTED)


def test_a_rule_for_some_scenarios_explains_no_finding_of_another() -> None:
    rule = replace(MOVE, scenarios=("hidden*",))
    assert verdict(case_line(scenario("hidden states", GAMMA)), rule) is Verdict.AS_EXPECTED
    line = case_line(scenario("", GAMMA), scenario("hidden states", GAMMA))
    assert explain(line, [rule]).unexplained == (Seen("", GAMMA),)


def test_a_rule_for_some_scenarios_is_gone_where_these_are_green_and_exist() -> None:
    rule = replace(MOVE, scenarios=("hidden*",))
    cast = known("error", "cast", what="RuntimeError", how="*Half*")
    line = case_line(scenario("", CAST), scenario("hidden states"))
    assert explain(line, [cast, rule]).gone == (rule,)
    assert explain(case_line(scenario("")), [rule]).gone == ()
    assert explain({"outcome": "passed"}, [rule]).gone == ()


# Disputed


def test_rules_that_explain_one_finding_are_disputed_and_those_of_two_findings_are_not() -> None:
    any_key = known("keys", "any")
    assert explain(case_line(scenario("", GAMMA)), [MOVE, any_key]).disputed == (MOVE, any_key)
    beta = known("keys", "beta", how="beta*")
    assert explain(case_line(scenario("", GAMMA, BETA)), [MOVE, beta]).disputed == ()
    elsewhere = replace(any_key, scenarios=("hidden*",))
    assert explain(case_line(scenario("", GAMMA)), [MOVE, elsewhere]).disputed == ()
