"""Workers share a budget: a large model waits until it fits, and a dead worker's share is free again."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from harness.cell.runtime.memory_budget import MemoryBudget

TOTAL = (10.0, 100.0)
HOLDING = (
    "import sys, time; from pathlib import Path; from harness.cell.runtime.memory_budget import MemoryBudget\n"
    "budget = MemoryBudget(Path(sys.argv[1]), 'gw1', (10.0, 100.0)); budget.acquire((8.0, 1.0))\n"
    "print('acquired', flush=True); time.sleep(60)\n"
)


def request(folder: Path, needed: tuple[float, float], worker: str = "gw0") -> tuple[MemoryBudget, threading.Thread]:
    """A worker's budget, and the thread that acquires its share."""
    budget = MemoryBudget(folder, worker, TOTAL)
    waiting = threading.Thread(target=budget.acquire, args=(needed,), daemon=True)
    waiting.start()
    waiting.join(0.5)
    return budget, waiting


@pytest.mark.parametrize("needed", [(3.0, 1.0), (1.0, 60.0)], ids=["memory", "disk"])
def test_a_model_that_does_not_fit_waits_for_the_other(tmp_path: Path, needed: tuple[float, float]) -> None:
    other = MemoryBudget(tmp_path, "gw1", TOTAL)
    other.acquire((8.0, 50.0))
    _, waiting = request(tmp_path, needed)
    assert waiting.is_alive()
    other.release()
    waiting.join(5)
    assert not waiting.is_alive()


def test_a_model_that_fits_beside_another_does_not_wait(tmp_path: Path) -> None:
    MemoryBudget(tmp_path, "gw1", TOTAL).acquire((8.0, 50.0))
    _, waiting = request(tmp_path, (2.0, 50.0))
    assert not waiting.is_alive()


def test_a_model_larger_than_the_total_runs_alone(tmp_path: Path) -> None:
    budget, waiting = request(tmp_path, (11.0, 1.0))
    assert not waiting.is_alive()
    _, second = request(tmp_path, (0.5, 1.0), "gw2")
    assert second.is_alive()
    budget.release()
    second.join(5)
    assert not second.is_alive()


def test_the_share_of_a_dead_worker_is_free_again(tmp_path: Path) -> None:
    process = subprocess.Popen(  # noqa: S603 - the test's own words
        [sys.executable, "-c", HOLDING, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "acquired\n"
    _, waiting = request(tmp_path, (3.0, 1.0))
    assert waiting.is_alive()
    process.kill()
    process.wait()
    waiting.join(5)
    assert not waiting.is_alive()


def test_a_worker_that_acquires_again_releases_its_old_share(tmp_path: Path) -> None:
    budget = MemoryBudget(tmp_path, "gw0", TOTAL)
    budget.acquire((8.0, 50.0))
    budget.acquire((9.0, 60.0))
    _, waiting = request(tmp_path, (1.0, 40.0), "gw1")
    assert not waiting.is_alive()
