"""Workers share room: a large model waits until there is enough, and one that died leaves its seat."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from harness.cell.runtime.memory_budget import MemoryBudget

ROOM = (10.0, 100.0)
SITTING = (
    "import sys, time; from pathlib import Path; from harness.cell.runtime.memory_budget import MemoryBudget\n"
    "seats = MemoryBudget(Path(sys.argv[1]), 'gw1', (10.0, 100.0)); seats.take((8.0, 1.0))\n"
    "print('seated', flush=True); time.sleep(60)\n"
)


def asks(folder: Path, needed: tuple[float, float], worker: str = "gw0") -> tuple[MemoryBudget, threading.Thread]:
    """A worker that wants a seat, and what waits for it."""
    budget = MemoryBudget(folder, worker, ROOM)
    waiting = threading.Thread(target=budget.take, args=(needed,), daemon=True)
    waiting.start()
    waiting.join(0.5)
    return budget, waiting


@pytest.mark.parametrize("needed", [(3.0, 1.0), (1.0, 60.0)], ids=["memory", "disk"])
def test_what_does_not_fit_beside_another_waits_for_its_end(tmp_path: Path, needed: tuple[float, float]) -> None:
    other = MemoryBudget(tmp_path, "gw1", ROOM)
    other.take((8.0, 50.0))
    _, waiting = asks(tmp_path, needed)
    assert waiting.is_alive()
    other.leave()
    waiting.join(5)
    assert not waiting.is_alive()


def test_what_fits_beside_another_does_not_wait(tmp_path: Path) -> None:
    MemoryBudget(tmp_path, "gw1", ROOM).take((8.0, 50.0))
    _, waiting = asks(tmp_path, (2.0, 50.0))
    assert not waiting.is_alive()


def test_what_is_larger_than_the_room_runs_alone(tmp_path: Path) -> None:
    budget, waiting = asks(tmp_path, (11.0, 1.0))
    assert not waiting.is_alive()
    _, second = asks(tmp_path, (0.5, 1.0), "gw2")
    assert second.is_alive()
    budget.leave()
    second.join(5)
    assert not second.is_alive()


def test_a_worker_that_dies_leaves_its_seat(tmp_path: Path) -> None:
    process = subprocess.Popen(  # noqa: S603 - the test's own words
        [sys.executable, "-c", SITTING, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "seated\n"
    _, waiting = asks(tmp_path, (3.0, 1.0))
    assert waiting.is_alive()
    process.kill()
    process.wait()
    waiting.join(5)
    assert not waiting.is_alive()


def test_a_worker_that_takes_a_seat_again_leaves_its_old_one(tmp_path: Path) -> None:
    budget = MemoryBudget(tmp_path, "gw0", ROOM)
    budget.take((8.0, 50.0))
    budget.take((9.0, 60.0))
    _, waiting = asks(tmp_path, (1.0, 40.0), "gw1")
    assert not waiting.is_alive()
