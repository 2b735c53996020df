"""The watchdog kills a case that exceeds its limits, and no other."""

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.cell.runtime import heartbeat, watchdog
from harness.cell.runtime.heartbeat import Heartbeat, Task
from harness.cell.runtime.watchdog import Watchdog
from harness.contract.case import Case, Outcome
from harness.contract.plan import Limits

NO_LIMITS = Limits(seconds=300, full_seconds=None, memory_gib=None, disk_gib=None)
AT_WORK = (
    "import sys, time; from pathlib import Path; from harness.cell.runtime.heartbeat import Heartbeat\n"
    "with Heartbeat(Path(sys.argv[1]), 'gw0').at('wrapper/a'):\n"
    "    sys.stderr.write('nearly done\\n'); sys.stderr.flush(); print('started', flush=True); time.sleep(60)\n"
)


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that runs a case."""
    command = [sys.executable, "-c", AT_WORK, str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - the test's own words
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    yield process
    process.kill()
    process.wait()


def ends(folder: Path, **limits: Any) -> dict[str, tuple[Outcome, str]]:
    """The cases that a watchdog with these limits kills."""
    watcher = Watchdog(folder, replace(NO_LIMITS, **limits))
    for worker, task in heartbeat.tasks(folder).items():
        watcher._end(worker, task)
    return watcher.ends


def test_a_case_within_its_limits_goes_on(worker: subprocess.Popen[str], tmp_path: Path) -> None:
    assert ends(tmp_path, seconds=300, memory_gib=8, disk_gib=1) == {}
    time.sleep(0.1)
    assert worker.poll() is None


def test_a_case_that_holds_too_much_memory_is_killed(worker: subprocess.Popen[str], tmp_path: Path) -> None:
    outcome, reason = ends(tmp_path, memory_gib=0.001)["wrapper/a"]
    assert outcome == "out-of-memory"
    assert reason == "its process was killed when it held 0.0 GiB; limits.memory_gib is 0.001"
    assert worker.wait(5) == -9


def test_a_case_that_fills_the_disk_is_killed(worker: subprocess.Popen[str], tmp_path: Path) -> None:
    folder = heartbeat.checkpoints(tmp_path, worker.pid) / "deep"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"\1" * 2**20)
    outcome, reason = ends(tmp_path, disk_gib=0.0005)["wrapper/a"]
    assert (outcome, reason) == (
        "crashed",
        "its process was killed when its files took 0.0 GiB; limits.disk_gib is 0.0005",
    )
    assert worker.wait(5) == -9


def test_a_case_that_cannot_be_interrupted_is_killed(
    worker: subprocess.Popen[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "GRACE", -2.0)
    assert ends(tmp_path, seconds=1)["wrapper/a"][0] == "timeout"
    assert worker.wait(5) == -9


@pytest.mark.parametrize(
    ("case", "full_seconds", "limit"),
    [
        ("wrapper/a", 3600, ("seconds", 300)),
        ("wrapper/a+full", 3600, ("full_seconds", 3600)),
        ("wrapper/a@bin+full", 3600, ("full_seconds", 3600)),
        ("wrapper/a+full", None, ("seconds", 300)),
    ],
)
def test_a_full_size_case_has_a_time_of_its_own_where_there_is_one(
    case: str, full_seconds: int | None, limit: tuple[str, int]
) -> None:
    assert replace(NO_LIMITS, full_seconds=full_seconds).time_limit(Case.parse(case)) == limit


def test_the_peaks_of_memory_and_disk_of_a_case_are_kept(worker: subprocess.Popen[str], tmp_path: Path) -> None:
    folder = heartbeat.checkpoints(tmp_path, worker.pid)
    folder.mkdir()
    watcher = Watchdog(tmp_path, NO_LIMITS)
    [task] = heartbeat.tasks(tmp_path).values()
    for size in (2**20, 0):
        (folder / "model.safetensors").write_bytes(b"\1" * size)
        assert watcher._excess(task) is None
    held, disk = watcher.most["wrapper/a"]
    assert held > 2**20
    assert disk == 2**20


def test_a_process_that_has_gone_on_to_another_case_is_left_alone(
    worker: subprocess.Popen[str], tmp_path: Path
) -> None:
    watcher = Watchdog(tmp_path, replace(NO_LIMITS, memory_gib=0.001))
    [(name, task)] = heartbeat.tasks(tmp_path).items()
    watcher._end(name, replace(task, case="wrapper/before"))
    assert watcher.ends == {}
    time.sleep(0.1)
    assert worker.poll() is None


def test_a_watchdog_finds_a_case_that_exceeds_its_limits(worker: subprocess.Popen[str], tmp_path: Path) -> None:
    watcher = Watchdog(tmp_path, replace(NO_LIMITS, memory_gib=0.001))
    watcher.start()
    assert worker.wait(5) == -9
    watcher.close()
    assert list(watcher.ends) == ["wrapper/a"]


def test_the_stderr_of_a_dead_process_is_read_and_its_checkpoints_are_deleted(
    worker: subprocess.Popen[str], tmp_path: Path
) -> None:
    checkpoints = heartbeat.checkpoints(tmp_path, worker.pid)
    checkpoints.mkdir()
    worker.kill()
    worker.wait()
    assert heartbeat.clear(tmp_path, "wrapper/b") == ""
    assert checkpoints.is_dir()
    assert heartbeat.clear(tmp_path, "wrapper/a") == "nearly done"
    assert not checkpoints.exists()
    assert heartbeat.tasks(tmp_path) == {}


def test_a_case_that_ends_leaves_no_task_and_stderr_as_it_was(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with Heartbeat(tmp_path, "gw1").at("wrapper/a"):
        assert [task.case for task in heartbeat.tasks(tmp_path).values()] == ["wrapper/a"]
        sys.stderr.write("to the file\n")
    sys.stderr.write("to the terminal\n")
    assert heartbeat.tasks(tmp_path) == {}
    assert capfd.readouterr().err == "to the terminal\n"


@pytest.mark.parametrize(
    ("stderr", "line"),
    [
        ("", ""),
        ("one\ntwo\n\n", "two"),
        ("a warning\nFatal Python error: Aborted\n\nCurrent thread 0x1:\n  File x\n", "Aborted"),
    ],
    ids=["empty", "the last line", "faulthandler's first"],
)
def test_the_decisive_line_of_stderr_is_the_fatal_error_or_the_last_line(stderr: str, line: str) -> None:
    assert heartbeat.decisive_line(stderr) == line


def test_a_process_that_is_gone_holds_no_memory() -> None:
    assert watchdog.held(2**22 + 1) == 0
    assert Watchdog(Path("nowhere"), NO_LIMITS)._excess(Task("wrapper/a", 2**22 + 1, time.monotonic())) is None
