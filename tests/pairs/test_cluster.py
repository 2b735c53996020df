"""The matrix handed to a real Dask scheduler with several workers, one of which is killed: as one run alone."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.commands.distributed import worker_resources
from harness.contract import processes
from tests.pairs.command import Ended, nox
from tests.pairs.test_many_machines import LANE, facts, small_matrix, summary
from tests.places import ROOT

pytestmark = pytest.mark.slow

Start = Callable[..., subprocess.Popen[str]]
AT_WORK = 10.0  # seconds after which a worker is in the middle of its cell


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a process of Dask's, which ends with the test. What it says is in a file."""
    started: list[subprocess.Popen[str]] = []

    def starting(*words: str, checkout: Path | None = None) -> subprocess.Popen[str]:
        log = (tmp_path / f"dask-{len(started)}.log").open("w")
        environment = {**os.environ, "PYTHONPATH": str(checkout or "")}  # the scheduler has nothing of this project
        command = [sys.executable, "-m", "dask", *words]
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log, text=True)  # noqa: S603
        started.append(process)
        return process

    yield starting
    for process in reversed(started):
        process.kill()
        process.wait()


@pytest.fixture
def address(start: Start) -> str:
    """That of a scheduler."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
    return f"127.0.0.1:{port}"


def work(start: Start, address: str, checkout: Path = ROOT) -> subprocess.Popen[str]:
    """A worker in a checkout, as `nox -s worker` starts it, but for a supervisor that would start it again."""
    words = (
        "worker",
        address,
        "--nthreads",
        "1",
        "--no-nanny",
        "--no-dashboard",
        "--resources",
        worker_resources.words(),
    )
    return start(*words, checkout=checkout)


def checkout(folder: Path) -> Path:
    """This one once more, at another place."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],  # noqa: S607 - git, wherever it is
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    return folder


def wait_for(what: Callable[[], object], seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.2)


def on(address: str, *options: str, results: Path) -> Ended:
    return nox("matrix", "--on", address, *options, results=results, seconds=900)


def test_a_run_handed_out_is_one_run_though_a_worker_is_killed(start: Start, address: str, tmp_path: Path) -> None:
    lanes = {LANE: {"models": "every"}, "cuda-float32": {"models": "every"}}
    matrix = ["--matrix", str(small_matrix(tmp_path, lanes)), "--workers", "1"]
    doomed = work(start, address)
    command = [sys.executable, "-m", "nox", "-s", "matrix", "--", *matrix, "--on", address]
    handed = subprocess.Popen(  # noqa: S603 - the test's own words
        [*command, "--results", str(tmp_path / "handed")],
        cwd=ROOT,
        env={**os.environ, "NOX_SCRIPT_MODE": "none", "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_for(lambda: processes.children(doomed.pid))
    time.sleep(AT_WORK)
    cell = list(processes.descendants(doomed.pid))
    elsewhere = checkout(tmp_path / "checkout")
    work(start, address)
    work(start, address, elsewhere)
    os.kill(doomed.pid, signal.SIGKILL)
    doomed.wait()
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in cell), 10)

    said, _ = handed.communicate(timeout=900)
    assert handed.returncode == 0, said
    assert list((elsewhere / ".nox" / "pairs").glob("*.lock")), said  # it ran there, and not where the run was started
    whole = nox("matrix", *matrix, results=tmp_path / "whole", seconds=600)
    assert facts(tmp_path / "handed") == facts(tmp_path / "whole")
    assert summary(said) == summary(whole.out)


def test_where_no_scheduler_answers_the_error_says_so_and_nothing_is_recorded(tmp_path: Path) -> None:
    ended = on("127.0.0.1:9", "--model", "convnext_atto", results=tmp_path / "results")
    assert ended.code == 2
    [error] = [line for line in ended.errors if line.startswith("--on")]
    assert error.startswith("--on 127.0.0.1:9: no Dask scheduler answers there")
    assert not list((tmp_path / "results").rglob("*.jsonl"))
