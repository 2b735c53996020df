"""The matrix handed to a real Dask scheduler with several workers, one of which is killed: as one run alone."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import processes
from tests.pairs.command import ROOT, Ended, nox
from tests.pairs.test_many_machines import facts, small_matrix, summary

Start = Callable[..., subprocess.Popen[str]]
AT_WORK = 10.0  # seconds after which a worker is in the middle of its cell


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a process of Dask's, which ends with the test. What it says is in a file."""
    started: list[subprocess.Popen[str]] = []

    def starting(*words: str) -> subprocess.Popen[str]:
        log = (tmp_path / f"dask-{len(started)}.log").open("w")
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
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


def work(start: Start, address: str) -> subprocess.Popen[str]:
    return start("worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--resources", "MEMORY=8")


def wait_for(what: Callable[[], object], seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.2)


def on(address: str, *options: str, results: Path) -> Ended:
    return nox("matrix", "--on", address, *options, results=results, seconds=900)


@pytest.mark.slow
def test_a_run_handed_out_is_one_run_though_a_worker_is_killed(start: Start, address: str, tmp_path: Path) -> None:
    matrix = ["--matrix", str(small_matrix(tmp_path)), "--workers", "1"]
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
    for _ in range(2):
        work(start, address)
    os.kill(doomed.pid, signal.SIGKILL)
    doomed.wait()
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in cell), 10)

    said, _ = handed.communicate(timeout=900)
    assert handed.returncode == 0, said
    whole = nox("matrix", *matrix, results=tmp_path / "whole", seconds=600)
    assert facts(tmp_path / "handed") == facts(tmp_path / "whole")
    assert summary(said) == summary(whole.out)


def test_where_no_scheduler_answers_the_error_says_so_and_nothing_is_recorded(tmp_path: Path) -> None:
    ended = on("127.0.0.1:9", "--model", "convnext_atto", results=tmp_path / "results")
    assert ended.code == 2
    [error] = [line for line in ended.errors if line.startswith("--on")]
    assert error.startswith("--on 127.0.0.1:9: no Dask scheduler answers there")
    assert not list((tmp_path / "results").rglob("*.jsonl"))
