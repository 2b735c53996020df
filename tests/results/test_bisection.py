"""A bisection finds the release, asks few questions, and names all suspects where some releases tell nothing."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.config.errors import CannotImport
from harness.contract.case import Case
from harness.results.bisection import Answer, Symptom, search
from harness.results.judging import Judged, Verdict
from tests.known import known

GOOD, BAD, UNTESTABLE = Answer.GOOD, Answer.BAD, Answer.UNTESTABLE


def asking(change: int, untestable: frozenset[int] = frozenset(), older: Answer = GOOD) -> Callable[[int], Answer]:
    """From `change` on a number is as the newer end."""
    newer = BAD if older is GOOD else GOOD
    return lambda number: UNTESTABLE if number in untestable else newer if number >= change else older


@given(st.integers(2, 300).flatmap(lambda size: st.tuples(st.just(size), st.integers(1, size - 1))))
def test_the_change_is_found_in_as_many_questions_as_halving_takes(sizes: tuple[int, int]) -> None:
    size, change = sizes
    asked: list[int] = []

    def ask(number: int) -> Answer:
        asked.append(number)
        return asking(change)(number)

    found = search(range(size), GOOD, ask)
    assert (found.last, found.culprit, found.first) == (change - 1, change, change)
    assert len(asked) <= math.ceil(math.log2(size))
    assert 0 not in asked
    assert size - 1 not in asked


@given(
    st.integers(3, 60).flatmap(
        lambda size: st.tuples(st.just(size), st.integers(1, size - 1), st.frozensets(st.integers(1, size - 2)))
    )
)
def test_what_cannot_be_tested_is_a_suspect_and_never_the_answer(given: tuple[int, int, frozenset[int]]) -> None:
    size, change, untestable = given
    found = search(range(size), GOOD, asking(change, untestable))
    assert found.last < change <= found.first
    assert set(range(found.last + 1, found.first)) <= untestable
    assert found.suspects == tuple(range(found.last + 1, found.first + 1))
    assert change in found.suspects
    assert found.culprit == (found.first if len(found.suspects) == 1 else None)


def test_a_release_that_mended_something_is_found_as_well() -> None:
    found = search(range(10), BAD, asking(7, older=BAD))
    assert (found.last, found.culprit) == (6, 7)


def test_neighbours_need_no_question() -> None:
    def ask(_: int) -> Answer:
        raise AssertionError

    assert search([3, 4], GOOD, ask).culprit == 4


def test_before_each_question_the_rest_and_the_steps_are_told() -> None:
    told: list[tuple[int, int]] = []
    search(range(9), GOOD, asking(1), lambda left, steps: told.append((left, steps)))
    assert told == [(7, 3), (3, 2), (1, 1)]


def judged(outcome: str, reason: str = "", model: str = "a") -> Judged:
    record = {"outcome": outcome, "reason": reason, "model": model, "detail": {}}
    return Judged("p", "cpu-float32", Case("tower", model), Verdict.AS_EXPECTED, record)


BROKEN = [judged("keys", "2 of gamma"), judged("passed", model="b")]


@pytest.mark.parametrize(
    ("found", "answer"),
    [
        ([judged("keys", "3 of gamma"), judged("error", "no", "b")], BAD),
        ([judged("passed"), judged("error", "no", "b")], GOOD),
        ([judged("drifted")], GOOD),
        ([judged("tensors", "2 of gamma")], UNTESTABLE),
        ([judged("keys", "2 of beta")], UNTESTABLE),
        ([judged("unsupported", "no such road")], UNTESTABLE),
        ([judged("not-run")], UNTESTABLE),
        ([judged("passed", model="b")], UNTESTABLE),
        ([], UNTESTABLE),
        ([Judged("p", "cpu-float32", Case("tower", "a"), Verdict.INCOMPLETE)], UNTESTABLE),
    ],
    ids=[
        "the same, with other numbers",
        "the case of the symptom passes",
        "it drifts",
        "another outcome",
        "another cause",
        "unsupported",
        "not run",
        "not there",
        "nothing",
        "no record",
    ],
)
def test_followed_alike_a_release_is_bad_only_where_it_fails_as_the_bad_end_does(
    found: list[Judged], answer: Answer
) -> None:
    assert Symptom.of(BROKEN, alike=True).answer(found) is answer
    otherwise = answer is UNTESTABLE and any(case.broken for case in found)
    assert Symptom.of(BROKEN).answer(found) is (BAD if otherwise else answer)


def test_a_release_of_which_something_cannot_be_imported_is_bad() -> None:
    symptom = Symptom.of(BROKEN)
    [case] = symptom.broken_by(CannotImport("timm raises"))
    assert (case.outcome, case.reason, symptom.answer([case])) == ("error", "timm raises", BAD)
    assert not symptom.is_as_at_the_end(case)


def test_two_causes_that_one_rule_explains_are_one() -> None:
    rule = known("tensors", "unset")
    one, other = (replace(judged("tensors", reason), rule=rule) for reason in ("k_bias is NaN", "rope is NaN"))
    assert Symptom.of([one], alike=True).answer([other]) is BAD
    assert Symptom.of([one], alike=True).answer([replace(other, rule=None)]) is UNTESTABLE
    regressed = replace(one, verdict=Verdict.REGRESSED)  # held against the rule, which does not explain it
    assert Symptom.of([regressed], alike=True).answer([other]) is UNTESTABLE


def test_of_a_group_one_that_fails_makes_it_bad_and_good_takes_all() -> None:
    group = Symptom.of([judged("keys"), judged("keys", model="b")], alike=True)
    assert group.answer([judged("passed"), judged("keys", model="b")]) is BAD
    assert group.answer([judged("passed"), judged("passed", model="b")]) is GOOD
    assert group.answer([judged("passed"), judged("error", "no", model="b")]) is UNTESTABLE


def test_a_case_that_the_good_end_does_not_have_is_no_part_of_the_symptom() -> None:
    symptom = Symptom.of([judged("keys"), judged("error", "no", model="b"), judged("tensors", model="c")])
    both = symptom.among([judged("passed"), judged("not-run", model="c"), judged("passed", model="d")])
    assert list(both.cases) == [("cpu-float32", "tower/a"), ("cpu-float32", "tower/c")]
    assert both.answer([judged("passed"), judged("error", "no", model="b"), judged("passed", model="c")]) is GOOD
    assert symptom.among([]).cases == {}
