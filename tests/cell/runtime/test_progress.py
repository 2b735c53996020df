import io
import time
from collections.abc import Callable

import pytest

from harness.cell.runtime.progress import Progress

CLEAR = "\r\x1b[2K"

Wait = Callable[[float], None]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Wait:
    """Lets seconds pass on a clock that stands still otherwise."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def pass_by(seconds: float) -> None:
        now[0] += seconds

    return pass_by


def line(progress: Progress) -> str:
    return progress.line(time.monotonic())


def test_the_line_says_how_far_how_fast_how_long_and_how_many_broke(wait: Wait) -> None:
    progress = Progress("pair cpu-float32", 100, 100, io.StringIO())
    for number in range(10):
        progress.step(1, green=number > 2)
    wait(20)
    assert line(progress) == "pair cpu-float32: 10/100, 3 broken, 0.5 cases/s, 3:00 left"


def test_the_time_left_goes_by_the_work_and_not_by_the_number_of_cases(wait: Wait) -> None:
    progress = Progress("lane", 4, 100, io.StringIO())
    progress.step(80, green=True)
    wait(80)
    assert line(progress) == "lane: 1/4, 0 broken, 0.0 cases/s, 0:20 left"
    progress.step(10, green=True)
    assert line(progress) == "lane: 2/4, 0 broken, 0.0 cases/s, 0:09 left"


def test_of_the_first_cases_no_time_left_is_told(wait: Wait) -> None:
    progress = Progress("lane", 561, 1000, io.StringIO())
    assert line(progress) == "lane: 0/561, 0 broken, 0.0 cases/s"
    wait(11)
    progress.step(49, green=True)
    assert line(progress) == "lane: 1/561, 0 broken, 0.1 cases/s"
    progress.step(1, green=True)
    assert line(progress) == "lane: 2/561, 0 broken, 0.2 cases/s, 3:29 left"


def test_at_the_last_case_no_time_is_left(wait: Wait) -> None:
    progress = Progress("lane", 1, 30, io.StringIO())
    wait(7)
    progress.step(30, green=True)
    assert line(progress) == "lane: 1/1, 0 broken, 0.1 cases/s, 0:00 left"


def test_elsewhere_than_on_a_terminal_a_plain_line_comes_every_15_seconds(wait: Wait) -> None:
    file = io.StringIO()
    progress = Progress("lane", 90, 90, file)
    for _ in range(29):
        wait(1)
        progress.step(1, green=True)
    assert file.getvalue() == "lane: 15/90, 0 broken, 1.0 cases/s, 1:15 left\n"
    wait(1)
    progress.step(1, green=False)
    assert file.getvalue().splitlines()[1:] == ["lane: 30/90, 1 broken, 1.0 cases/s, 1:00 left"]


def test_on_a_terminal_the_line_rewrites_itself_five_times_a_second_at_most(wait: Wait) -> None:
    terminal = Terminal()
    progress = Progress("lane", 10, 10, terminal)
    wait(0.1)
    progress.step(1, green=True)
    assert terminal.getvalue() == f"{CLEAR}lane: 0/10, starting"
    wait(0.15)
    progress.step(1, green=True)
    assert terminal.getvalue() == f"{CLEAR}lane: 0/10, starting{CLEAR}lane: 2/10, 0 broken, 8.0 cases/s, 0:01 left"
    wait(0.1)
    progress.step(1, green=True)
    assert terminal.getvalue().count(CLEAR) == 2


@pytest.mark.parametrize(
    ("kind", "start"), [(io.StringIO, ""), (Terminal, f"{CLEAR}lane: 0/3, starting{CLEAR}")], ids=["file", "terminal"]
)
def test_the_last_line_says_how_long_it_took(wait: Wait, kind: type[io.StringIO], start: str) -> None:
    file = kind()
    progress = Progress("lane", 3, 3, file)
    progress.step(1, green=True)
    progress.step(1, green=False)
    wait(125.4)
    progress.close()
    assert file.getvalue() == f"{start}lane: 2 of 3 cases in 2:05, 1 broken\n"


def test_a_line_takes_one_row_of_a_terminal_for_no_more_can_be_cleared(
    wait: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    terminal = Terminal()
    progress = Progress("transformers5.23.0-timm1.0.31 cpu-float32", 10, 10, terminal)
    wait(1)
    progress.step(1, green=True)
    assert [len(row) for row in terminal.getvalue().split(CLEAR)[1:]] == [39, 39]
