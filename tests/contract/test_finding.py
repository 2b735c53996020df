"""A finding reads back as it was written; many are counted together; what failed has a finding."""

from dataclasses import asdict, replace
from typing import Any

import pytest

from harness.contract.case import GREEN, RED, SKIPPED, Outcome
from harness.contract.finding import MOST, Finding, ScenarioLine, Tried, bounded, one_line, scenarios_of, worst
from tests.findings import finding

RENAMED = Finding(Outcome.KEYS, "the loading report", "blocks.*.gamma", "gamma renamed weight", 12, "blocks.0.gamma")


def many(count: int, **fields: Any) -> list[Finding]:
    """As many findings of names of their own."""
    return [finding(what=f"layer{number}.gamma", count=2, **fields) for number in range(count)]


def test_a_finding_reads_back_equal_from_its_fields() -> None:
    assert RENAMED.fields == {
        "kind": "keys",
        "where": "the loading report",
        "what": "blocks.*.gamma",
        "how": "gamma renamed weight",
        "count": 12,
        "example": "blocks.0.gamma",
    }
    assert Finding.of(RENAMED.fields) == RENAMED
    assert Finding.of(RENAMED.fields).kind is Outcome.KEYS


def test_a_scenario_reads_back_equal_with_what_it_came_to_with_remedies() -> None:
    tried = Tried(Outcome.ERROR, (finding("error"),), ("cast_pixels@0123abcd",))
    prints = {"x": {"shape": [1]}}
    scenario = ScenarioLine("hidden states", Outcome.KEYS, (RENAMED,), 1.5, prints, {"gamma-renamed": tried})
    assert ScenarioLine.of(asdict(scenario)) == scenario


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "keys in the loading report: blocks.*.gamma: gamma renamed weight, 12 times at blocks.0.gamma"),
        ({"count": 1}, "keys in the loading report: blocks.*.gamma: gamma renamed weight at blocks.0.gamma"),
        ({"example": ""}, "keys in the loading report: blocks.*.gamma: gamma renamed weight, 12 times"),
        ({"where": "", "what": "", "count": 1, "example": ""}, "keys: gamma renamed weight"),
    ],
    ids=["whole", "once", "without an example", "of a process that died"],
)
def test_a_finding_is_one_line(fields: dict[str, Any], words: str) -> None:
    assert replace(RENAMED, **fields).words == words


def test_as_many_findings_as_are_recorded_one_by_one_stay_as_they_are() -> None:
    assert bounded(many(MOST)) == tuple(many(MOST))


def test_one_more_is_counted_together_with_those_of_its_kind_place_description_and_last_part() -> None:
    alone = finding("tensors", what="head.bias", how="uninitialised")
    first = many(MOST)[0]
    together = replace(first, what="*.gamma", count=sum(one.count for one in many(MOST)))
    assert bounded([*many(MOST), alone]) == (together, alone)


def test_names_of_too_many_last_parts_are_counted_together_whatever_they_are() -> None:
    found = bounded([finding("tensors", what=f"layer.part{number}", how="constant") for number in range(MOST + 1)])
    assert [(one.what, one.count) for one in found] == [("(names)", MOST + 1)]


def test_findings_of_too_many_descriptions_end_with_how_many_are_left_out() -> None:
    found = bounded([finding("tensors", how=f"off {number}") for number in range(MOST + 5)])
    assert len(found) == MOST
    assert found[-1] == Finding(Outcome.TENSORS, "", "6 more findings", "too many to record")


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([], "passed"),
        (["passed", "drifted"], "drifted"),
        (["error", "keys"], "keys"),
        (["outputs", "nonfinite", "drifted"], "nonfinite"),
        (["error", "crashed", "keys"], "crashed"),
        (["unsupported", "passed"], "passed"),
    ],
)
def test_the_worst_outcome_is_the_first_of_the_contract(outcomes: list[str], expected: str) -> None:
    assert worst(map(Outcome, outcomes)) == expected


@pytest.mark.parametrize("outcome", sorted(GREEN | SKIPPED))
def test_a_line_that_is_not_red_has_the_scenarios_that_it_says_and_no_other(outcome: str) -> None:
    assert scenarios_of({"outcome": outcome, "reason": "x"}) == ()
    assert scenarios_of({"outcome": outcome, "scenarios": []}) == ()


@pytest.mark.parametrize("outcome", sorted(RED))
def test_a_line_without_scenarios_counts_as_one_finding_of_its_outcome_and_reason(outcome: str) -> None:
    [scenario] = scenarios_of({"outcome": outcome, "reason": "killed by signal 9"})
    assert scenario == ScenarioLine("", Outcome(outcome), (Finding(Outcome(outcome), "", "", "killed by signal 9"),))
    [scenario] = scenarios_of({"outcome": outcome, "reason": None, "scenarios": []})
    assert [found.how for found in scenario.findings] == [outcome]


def test_a_line_has_its_scenarios_with_their_findings() -> None:
    lines = [
        ScenarioLine("", Outcome.PASSED),
        ScenarioLine("hidden states", Outcome.KEYS, (RENAMED,)),
    ]
    assert scenarios_of({"outcome": "keys", "reason": "x", "scenarios": list(map(asdict, lines))}) == tuple(lines)


def test_a_red_scenario_without_a_finding_has_its_outcome_for_one() -> None:
    line = asdict(ScenarioLine("", Outcome.TENSORS))
    [scenario] = scenarios_of({"outcome": "tensors", "reason": "x", "scenarios": [line]})
    assert scenario.findings == (Finding(Outcome.TENSORS, "", "", "tensors"),)


def test_a_case_that_failed_in_none_of_its_scenarios_has_its_reason_for_a_finding_beside_theirs() -> None:
    lines = [asdict(ScenarioLine("", Outcome.KEYS, (RENAMED,)))]
    known, died = scenarios_of({"outcome": "crashed", "reason": "signal 9", "scenarios": lines})
    assert known.findings == (RENAMED,)
    assert died.findings == (Finding(Outcome.CRASHED, "", "", "signal 9"),)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("\x1b[1mbold\x1b[0m and\nmore", "ValueError: bold and more"),
        ("\x1b]0;title\x07", r"ValueError: \x1b]0;title\x07"),
        ("tab\tand ümläut ✔", "ValueError: tab and ümläut ✔"),
        ("\u202eright to left", r"ValueError: \u202eright to left"),
        ("x" * 400, "ValueError: " + "x" * 288),
    ],
    ids=["colour", "a terminal's command", "letters", "direction", "long"],
)
def test_an_exception_is_one_line_that_leaves_the_terminal_alone(message: str, words: str) -> None:
    assert one_line(ValueError(message)) == words
