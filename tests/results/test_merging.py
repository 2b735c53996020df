from dataclasses import replace
from pathlib import Path

from harness.contract.case import Case
from harness.results.judging import Judged, judge
from harness.results.merging import merge
from harness.results.store import Recorded
from tests.known import Known
from tests.summaries import NEW, RENAMED, Results, recorded

A, B = Path("a"), Path("b")
GREEN, BROKEN = ("passed", None), ("tensors", "x differs")
AWAY = ("not-run", "no CUDA device")


def on(found: Results, day: int = 1, rules: tuple[Known, ...] = ()) -> list[Judged]:
    """What one machine has, of a day."""
    lane: Recorded = recorded(NEW, found, started=f"2026-11-{day:02d}T02:00:00+00:00")
    return judge(map(Case.parse, found), lane, lambda _: rules)


def outcomes(one: list[Judged], other: list[Judged]) -> dict[str, str | None]:
    return {found.case.id: found.outcome for found in merge({A: one, B: other})[0]}


def test_each_machine_gives_what_the_other_lacks() -> None:
    one = on({"tower/a": GREEN, "tower/b": None, "tower/c": AWAY})
    other = on({"tower/a": None, "tower/b": GREEN, "tower/c": GREEN})
    assert outcomes(one, other) == {"tower/a": "passed", "tower/b": "passed", "tower/c": "passed"}
    assert outcomes(other, one) == outcomes(one, other)
    assert merge({A: one, B: other})[1] == []


def test_that_a_case_was_not_run_is_more_than_nothing() -> None:
    assert outcomes(on({"tower/a": None}), on({"tower/a": AWAY})) == {"tower/a": "not-run"}


def test_of_two_that_agree_the_newer_counts() -> None:
    one, other = on({"tower/a": ("passed", None)}, day=2), on({"tower/a": ("drifted", None)}, day=3)
    for machines in ({A: one, B: other}, {A: other, B: one}):
        merged, disagreements = merge(machines)
        assert ([found.outcome for found in merged], disagreements) == (["drifted"], [])


def test_where_machines_disagree_the_one_that_needs_a_look_counts_and_both_are_told() -> None:
    one, other = on({"tower/a": BROKEN}, day=1), on({"tower/a": GREEN}, day=2)
    for machines in ({A: one, B: other}, {A: other, B: one}):
        merged, [disagreement] = merge(machines)
        assert [found.outcome for found in merged] == ["tensors"]
        said = {A: f"{machines[A][0].outcome} in a", B: f"{machines[B][0].outcome} in b"}
        assert all(part in disagreement.sentence for part in said.values())


def test_one_that_a_rule_expects_gives_way_to_one_that_it_does_not() -> None:
    one, other = on({"tower/a": ("keys", "renamed")}, rules=(RENAMED,)), on({"tower/a": GREEN}, rules=(RENAMED,))
    assert outcomes(one, other) == {"tower/a": "passed"}  # fixed


def test_failing_otherwise_is_to_disagree_and_failing_with_other_figures_is_not() -> None:
    one = on({"tower/a": ("outputs", "off by 0.5"), "tower/b": ("outputs", "off by 0.5")})
    other = on({"tower/a": ("outputs", "off by 0.7"), "tower/b": ("error", "no")})
    assert [found.first.case.id for found in merge({A: one, B: other})[1]] == ["tower/b"]


def test_a_machine_that_has_no_catalog_says_nothing_where_another_has_one() -> None:
    unknown, known = on({"tower/*": None}), on({"tower/a": GREEN})
    assert outcomes(unknown, known) == {"tower/a": "passed"}
    assert outcomes(unknown, unknown) == {"tower/*": None}


def test_of_two_that_agree_one_that_does_not_say_when_it_was_run_is_the_older() -> None:
    undated = [replace(judged, header=None) for judged in on({"tower/a": ("passed", None)})]
    dated = on({"tower/a": ("drifted", None)})
    assert outcomes(undated, dated) == outcomes(dated, undated) == {"tower/a": "drifted"}


def test_a_disagreement_names_the_case_and_each_outcome_with_its_folder_and_reason() -> None:
    _, [disagreement] = merge({A: on({"tower/a": GREEN}), B: on({"tower/a": BROKEN})})
    assert disagreement.outcomes == {"a": "passed", "b": "tensors"}
    assert disagreement.sentence == f"{NEW} cpu-float32 tower/a: passed in a (passed); tensors in b (x differs)"


def test_a_result_that_was_withdrawn_counts_before_a_green_one_and_one_that_a_rule_expects_but_not_before_a_red() -> (
    None
):
    withdrawn = [replace(judged, withdrawn=True) for judged in on({"tower/a": None})]
    for other, outcome in (
        (on({"tower/a": GREEN}), None),
        (on({"tower/a": AWAY}), None),
        (on({"tower/a": ("keys", "renamed")}, rules=(RENAMED,)), None),
        (on({"tower/a": BROKEN}), "tensors"),
    ):
        assert outcomes(withdrawn, other) == outcomes(other, withdrawn) == {"tower/a": outcome}
