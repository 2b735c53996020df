"""A run that is killed at any moment loses at most the cases in flight, and the same command finishes the work."""

import contextlib
import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from harness.contract.processes import children, descendants
from harness.results.store import LOCK_FILE, path_in
from tests.pairs.command import ONE_LANE, PAIR, VARIABLES, among_others, facts, has_ended, nox
from tests.pairs.processes import runs, until
from tests.places import ROOT

MODELS: Final = ("test_convnext", "test_vit2", "test_vit_relpos", "resnet18")
SELECTION: Final = (
    *ONE_LANE,
    *(word for route in ("wrapper", "classifier", "backbone", "tower") for word in ("--route", route)),
    *among_others(*MODELS),
    *("--workers", "2"),
)
SEED: Final = 20261125
EARLY, LATE = 2.0, 13.0  # seconds after its start, between which a run is killed that would take about so long


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


def whole(nox_process: int) -> list[int]:
    return [nox_process, *descendants(nox_process)]


def alone(nox_process: int) -> list[int]:
    """nox itself; what it started is not told."""
    return [nox_process]


def pytest_of(nox_process: int) -> list[int]:
    """What nox runs: an installer, or pytest."""
    return children(nox_process)


def a_worker(nox_process: int) -> list[int]:
    """One of the processes two below nox: pytest's workers."""
    return [worker for one in pytest_of(nox_process) for worker in children(one)][:1]


BLOWS: Final = (
    (whole, signal.SIGKILL),
    (a_worker, signal.SIGKILL),
    (alone, signal.SIGKILL),
    (pytest_of, signal.SIGKILL),
    (whole, signal.SIGINT),  # Ctrl-C
    (alone, signal.SIGTERM),
)


def strike(results: Path, chance: random.Random, victims: Callable[[int], list[int]], blow: signal.Signals) -> bool:
    """Start the command, and send some of it a signal a while later; whether that hit anybody.

    Nothing of it goes on when it has ended.
    """
    process = started(results)
    time.sleep(chance.uniform(EARLY, LATE))
    family, hit = whole(process.pid), False
    for victim in victims(process.pid) if process.poll() is None else ():
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, blow)
            hit = True
    process.wait(timeout=600)
    until(lambda: not any(runs(one) for one in family))
    return hit


A_FEW = pytest.param(3, marks=pytest.mark.slow, id="3 kills")
MANY = pytest.param(25, marks=pytest.mark.all_faults, id="25 kills")


@pytest.mark.parametrize("kills", [A_FEW, MANY])
def test_after_kills_at_random_moments_nothing_is_lost_and_the_end_is_that_of_an_undisturbed_run(
    tmp_path: Path, kills: int
) -> None:
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    assert nox("matrix", *SELECTION, results=undisturbed, seconds=600).code == 0
    chance, before = random.Random(SEED), b""  # noqa: S311 - no secret
    struck = 0
    for victims, blow in itertools.cycle(BLOWS):
        struck += strike(killed, chance, victims, blow) and blow is signal.SIGKILL
        after = records_in(killed).read_bytes() if records_in(killed).is_file() else b""
        assert after.startswith(before)
        before = after
        if after and len(facts(killed)) == len(facts(undisturbed)):
            assert facts(killed) == facts(undisturbed)
            records_in(killed).unlink()  # all is recorded: begin anew
            before = b""
        if struck == kills:
            break
    ended = nox("matrix", *SELECTION, results=killed, seconds=600)
    assert ended.code == 0, ended.out
    assert records_in(killed).read_bytes().startswith(before)
    assert facts(killed) == facts(undisturbed)
    assert has_ended(killed)


def test_a_second_run_on_one_folder_is_refused_while_the_first_goes_on(tmp_path: Path) -> None:
    with started(tmp_path) as first:
        try:
            claimed = tmp_path / LOCK_FILE
            until(lambda: claimed.is_file() and bool(claimed.read_text()))
            second = nox("matrix", *SELECTION, results=tmp_path)
        finally:
            os.killpg(first.pid, signal.SIGKILL)
    assert second.code == 2
    [refusal] = second.errors
    assert refusal.startswith(f"--results {tmp_path}: another run is recording there (process {first.pid}, since ")
