"""Whether a disturbed run shows anything greener than the undisturbed one, and whether nothing was lost after it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.contract.case import GREEN, Outcome
from harness.results.judging import Verdict

Key = tuple[str, str, str]
Cell = tuple[str, str | None]
"""Verdict and outcome."""


@dataclass(frozen=True)
class State:
    """What a results folder says, by pair, lane and case, and the exit code of the command."""

    cells: Mapping[Key, Cell]
    code: int


def greener(undisturbed: State, disturbed: State) -> Iterator[str]:
    """What the disturbed run shows greener than it is. Regressed, incomplete and not run are never greener."""
    for key, cell in disturbed.cells.items():
        if key not in undisturbed.cells:
            yield f"{key[2]} was not planned"
        elif is_greener(undisturbed.cells[key], cell):
            yield f"{key[2]} is {_words(cell)}; undisturbed it is {_words(undisturbed.cells[key])}"
    unseen = [key for key, cell in undisturbed.cells.items() if _attends(cell) and _was_tried(disturbed.cells.get(key))]
    if disturbed.code == 0 != undisturbed.code and (unseen or not any(map(_is_not_run, disturbed.cells.values()))):
        yield f"exit code 0; undisturbed it is {undisturbed.code}"


def is_greener(undisturbed: Cell, disturbed: Cell) -> bool:
    """Whether a cell is greener than undisturbed: passed where it failed, or as expected by another outcome."""
    if undisturbed == disturbed or disturbed[0] == Verdict.INCOMPLETE or _is_not_run(disturbed):
        return False
    if disturbed[1] in GREEN and undisturbed[1] not in GREEN:
        return True
    both_green = disturbed[1] in GREEN and undisturbed[1] in GREEN
    return disturbed[0] == Verdict.AS_EXPECTED and not (both_green and undisturbed[0] == Verdict.AS_EXPECTED)


def lost(undisturbed: State, after: State) -> Iterator[str]:
    """What differs from the undisturbed run after one more undisturbed run."""
    for key in {**undisturbed.cells, **after.cells}:
        before, now = undisturbed.cells.get(key), after.cells.get(key)
        if before != now:
            yield f"after one more run {key[2]} is {_words(now)}, not {_words(before)}"
    if after.code != undisturbed.code:
        yield f"after one more run the exit code is {after.code}, not {undisturbed.code}"


def _attends(cell: Cell) -> bool:
    return cell[0] in {Verdict.REGRESSED, Verdict.FIXED}


def _is_not_run(cell: Cell) -> bool:
    return cell[1] == Outcome.NOT_RUN


def _was_tried(cell: Cell | None) -> bool:
    return cell is not None and not _is_not_run(cell)


def _words(cell: Cell | None) -> str:
    return "not there" if cell is None else f"{cell[0]} ({cell[1]})"
