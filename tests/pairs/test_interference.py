"""What `nox -s tests -- --interference N` takes for greener and for lost, and that it sees both."""

import random
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.interference.__main__ import Outcome, figure
from tests.interference.blows import INTERFERENCES
from tests.interference.judging import Cell, State, greener, is_greener, lost
from tests.interference.small import FORGOTTEN, write_matrix
from tests.places import ROOT

PASSED: Cell = ("as-expected", "passed")
KNOWN: Cell = ("as-expected", "error")
RED: Cell = ("regressed", "error")
FIXED: Cell = ("fixed", "passed")
NOT_RUN: Cell = ("as-expected", "not-run")
MISSING: Cell = ("incomplete", None)


def state(code: int, **cells: Cell) -> State:
    return State({("pair", "lane", case): cell for case, cell in cells.items()}, code)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (RED, PASSED),
        (RED, KNOWN),
        (RED, FIXED),
        (RED, ("as-expected", "unsupported")),
        (KNOWN, PASSED),
        (KNOWN, FIXED),
        (KNOWN, ("as-expected", "keys")),
        (FIXED, PASSED),
        (FIXED, ("as-expected", "keys")),
        (PASSED, KNOWN),
    ],
)
def test_a_cell_that_needs_less_of_a_look_than_undisturbed_is_greener(before: Cell, now: Cell) -> None:
    assert is_greener(before, now)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        *((cell, cell) for cell in (PASSED, KNOWN, RED, FIXED)),
        *((cell, other) for cell in (PASSED, KNOWN, RED, FIXED) for other in (NOT_RUN, MISSING)),
        (PASSED, ("as-expected", "drifted")),
        (PASSED, RED),
        (KNOWN, RED),
        (KNOWN, ("regressed", "crashed")),
    ],
)
def test_a_cell_that_is_missing_or_needs_more_of_a_look_is_not(before: Cell, now: Cell) -> None:
    assert not is_greener(before, now)


def test_exit_code_0_of_a_run_that_showed_less_is_greener() -> None:
    undisturbed = state(1, a=PASSED, b=RED)
    assert list(greener(undisturbed, state(0, a=PASSED, b=RED))) == ["exit code 0; undisturbed it is 1"]
    assert list(greener(undisturbed, state(0, a=PASSED, b=MISSING))) == ["exit code 0; undisturbed it is 1"]
    assert list(greener(undisturbed, state(0, a=PASSED, b=NOT_RUN))) == []  # said to be not run
    assert list(greener(undisturbed, state(4, a=PASSED, b=MISSING))) == []
    assert list(greener(undisturbed, state(-9, a=MISSING, b=RED))) == []


def test_what_differs_after_one_more_run_is_lost() -> None:
    undisturbed = state(1, a=PASSED, b=RED)
    assert list(lost(undisturbed, undisturbed)) == []
    assert list(lost(undisturbed, state(4, a=NOT_RUN))) == [
        "after one more run a is as-expected (not-run), not as-expected (passed)",
        "after one more run b is not there, not regressed (error)",
        "after one more run the exit code is 4, not 1",
    ]


def test_the_figure_counts_runs_and_failures_by_interference() -> None:
    outcomes = [Outcome("kill nox", 1.0, hit=True), Outcome("Ctrl-C", 1.0, failures=["lost"]), Outcome("kill nox", 2.0)]
    assert figure(outcomes) == "3 runs, 1 hit, 1 failed: kill nox 2; Ctrl-C 1 (1 failed)"


def test_the_small_matrix_lacks_a_rule_and_has_one_that_is_refuted(tmp_path: Path) -> None:
    shipped, written = (ROOT / "matrix.yaml").read_text(), write_matrix(tmp_path / "matrix.yaml").read_text()
    assert (FORGOTTEN in shipped, FORGOTTEN in written) == (True, False)
    assert "made up" in written


def test_a_seed_chooses_the_same_disturbances_again() -> None:
    def disturbances() -> Mapping[str, object]:
        return {name: each.disturbance(random.Random(name)) for name, each in INTERFERENCES.items()}  # noqa: S311

    assert disturbances() == disturbances()
