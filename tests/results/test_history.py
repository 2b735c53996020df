from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.results import history
from harness.results.store import Recorded
from tests.summaries import NEW, Results, recorded

HERE, THERE = Path("here"), Path("there")
GREEN, BROKEN = ("passed", None), ("tensors", "x differs")


def night(day: int, found: Results, **more: Any) -> Recorded:
    return recorded(NEW, found, started=f"2026-11-{day:02d}T02:00:00+00:00", **more)


def turns(*nights: Recorded) -> list[list[tuple[str, str, str]]]:
    return [[(turn.case, turn.before, turn.now) for turn in past.turns] for past in history.of({HERE: nights})]


def test_what_came_out_otherwise_than_the_last_time_is_told_oldest_run_first() -> None:
    first, second = night(1, {"tower/a": GREEN, "tower/b": GREEN}), night(2, {"tower/a": BROKEN, "tower/b": GREEN})
    assert turns(second, first) == [[], [("tower/a", "passed", "tensors")]]
    assert history.of({HERE: [second, first]})[1].turns[0].reason == "x differs"


def test_a_case_is_held_against_the_last_run_that_tried_it() -> None:
    nights = [night(1, {"tower/a": GREEN}), night(2, {"tower/b": GREEN}), night(3, {"tower/a": BROKEN})]
    assert turns(*nights) == [[], [], [("tower/a", "passed", "tensors")]]


def test_that_a_case_was_not_run_or_cannot_be_is_no_news() -> None:
    nights = [night(1, {"tower/a": GREEN}), night(2, {"tower/a": ("not-run", "no")}), night(3, {"tower/a": GREEN})]
    assert turns(*nights) == [[], [], []]


def test_a_machine_that_disagrees_with_another_changes_nothing_from_night_to_night() -> None:
    ours = [night(day, {"tower/a": GREEN}) for day in (1, 3)]
    theirs = [night(day, {"tower/a": BROKEN}) for day in (2, 4)]
    assert [past.turns for past in history.of({HERE: ours, THERE: theirs})] == [(), (), (), ()]


def test_lanes_have_histories_of_their_own() -> None:
    assert turns(night(1, {"tower/a": GREEN}), night(2, {"tower/a": BROKEN}, lane="cpu-bfloat16")) == [[], []]


def test_weights_of_another_source_have_a_history_of_their_own() -> None:
    assert turns(night(1, {"tower/a": GREEN}), night(2, {"tower/a": BROKEN}, weights="hub")) == [[], []]


def test_a_run_is_counted_by_outcome() -> None:
    [past] = history.of({HERE: [night(1, {"tower/a": GREEN, "tower/b": BROKEN, "tower/c": None})]})
    assert past.counts == {"passed": 1, "tensors": 1}


def test_a_run_is_of_its_folder_its_pair_and_its_lane() -> None:
    [here, there] = history.of(
        {HERE: [night(1, {"tower/a": GREEN})], THERE: [night(2, {"tower/a": GREEN}, lane="cpu-bfloat16")]}
    )
    assert (here.folder, here.pair, here.lane, here.started) == (HERE, NEW, "cpu-float32", "2026-11-01T02:00:00+00:00")
    assert (there.folder, there.pair, there.lane) == (THERE, NEW, "cpu-bfloat16")


def test_a_case_that_was_not_run_hides_no_change_of_those_after_it() -> None:
    first = night(1, {"tower/a": GREEN, "tower/b": GREEN})
    second = night(2, {"tower/a": ("not-run", "no"), "tower/b": BROKEN})
    assert turns(first, second) == [[], [("tower/b", "passed", "tensors")]]


def test_a_case_that_is_green_again_needs_no_reason() -> None:
    runs = history.of({HERE: [night(1, {"tower/a": BROKEN}), night(2, {"tower/a": GREEN})]})
    assert runs[1].turns == (history.OutcomeChange("tower/a", "tensors", "passed", ""),)


def test_a_run_that_does_not_say_when_it_began_comes_before_all_others() -> None:
    undated = recorded(NEW, {"tower/a": GREEN}, started="")
    del undated.runs[0].header["started"]  # type: ignore[attr-defined]  # a dict here
    assert turns(night(1, {"tower/a": BROKEN}), undated) == [[], [("tower/a", "passed", "tensors")]]


def test_the_runs_of_a_file_keep_its_order_though_the_clock_was_set_back() -> None:
    first, second = night(9, {"tower/a": GREEN}), night(1, {"tower/a": BROKEN})
    file = replace(first, runs=[*first.runs, *second.runs])
    between = night(5, {"tower/a": GREEN})
    past = history.of({HERE: [file], THERE: [between]})
    assert [(one.folder, one.started[8:10]) for one in past] == [(THERE, "05"), (HERE, "09"), (HERE, "01")]
    assert turns(file) == [[], [("tower/a", "passed", "tensors")]]
