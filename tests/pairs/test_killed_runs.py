"""A run that is killed at any moment loses at most the cases in flight, and the same command finishes the work."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest

from harness import claim
from harness.processes import children
from harness.results import path_in
from tests.pairs.command import PAIR, ROOT, VARIABLES, facts, has_ended, nox

MODELS: Final = ("test_convnext", "test_vit2", "test_vit_relpos", "cait_xxs24_224", "edgenext_xx_small", "resnet18")
SELECTION: Final = (
    *("--pair", PAIR, "--lane", "cpu-float32", "--variant", "safetensors"),
    *(word for route in ("wrapper", "classifier", "backbone", "tower") for word in ("--route", route)),
    *(word for model in MODELS for word in ("--model", model)),
)
SEED: Final = 20261125
EARLY, LATE = 3.0, 25.0  # seconds after its start, between which a run is killed


def records_in(results: Path) -> Path:
    return path_in(results, PAIR, "cpu-float32")


def started(results: Path) -> "subprocess.Popen[bytes]":
    """The command, in a process group of its own."""
    return subprocess.Popen(  # noqa: S603 - the tests' own words
        [sys.executable, "-m", "nox", "-s", "matrix", "--", *SELECTION, "--results", str(results)],
        cwd=ROOT,
        env={**os.environ, **VARIABLES},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def workers_of(nox_process: int) -> list[int]:
    """The processes two below nox: pytest's workers."""
    return [worker for pytest_process in children(nox_process) for worker in children(pytest_process)]


def kill_once(results: Path, chance: random.Random, *, whole: bool) -> None:
    """Start the command, and kill the whole of it, or one worker, a while later."""
    process = started(results)
    time.sleep(chance.uniform(EARLY, LATE))
    if whole or not workers_of(process.pid):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        os.kill(chance.choice(workers_of(process.pid)), signal.SIGKILL)
    process.wait(timeout=600)


A_FEW = pytest.param(3, marks=pytest.mark.slow, id="3 kills")
MANY = pytest.param(25, marks=pytest.mark.all_faults, id="25 kills")


@pytest.mark.parametrize("kills", [A_FEW, MANY])
def test_after_kills_at_random_moments_nothing_is_lost_and_the_end_is_that_of_an_undisturbed_run(
    tmp_path: Path, kills: int
) -> None:
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    assert nox("matrix", *SELECTION, results=undisturbed, seconds=600).code == 0
    chance, before = random.Random(SEED), b""  # noqa: S311 - no secret
    for number in range(kills):
        kill_once(killed, chance, whole=number % 2 == 0)
        after = records_in(killed).read_bytes() if records_in(killed).is_file() else b""
        assert after.startswith(before)
        before = after
        if len(facts(killed)) == len(facts(undisturbed)):
            records_in(killed).unlink()  # all is recorded: begin anew
            before = b""
    ended = nox("matrix", *SELECTION, results=killed, seconds=600)
    assert ended.code == 0, ended.out
    assert records_in(killed).read_bytes().startswith(before)
    assert facts(killed) == facts(undisturbed)
    assert has_ended(killed)


def test_a_second_run_on_one_folder_is_refused_while_the_first_goes_on(tmp_path: Path) -> None:
    with started(tmp_path) as first:
        try:
            _wait_for(tmp_path / claim.FILE)
            second = nox("matrix", *SELECTION, results=tmp_path)
        finally:
            os.killpg(first.pid, signal.SIGKILL)
    assert second.code == 2
    [refusal] = second.errors
    assert refusal.startswith(f"--results {tmp_path}: another run is recording there (process {first.pid}, since ")


def _wait_for(path: Path) -> None:
    for _ in range(300):
        if path.is_file() and path.read_text():
            return
        time.sleep(0.1)
    raise TimeoutError(path)
