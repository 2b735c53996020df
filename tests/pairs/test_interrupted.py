"""A run that is ended from outside ends at once, with all that it started, and its records stay whole."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from harness.contract import record, tempdirs
from harness.contract.processes import descendants
from harness.results.store import path_in
from tests.pairs import saboteur
from tests.pairs.command import ONE_LANE, PAIR, VARIABLES
from tests.pairs.processes import runs, until
from tests.places import ROOT

SELECTION = (
    *(*ONE_LANE, "--workers", "2", "--model", "convnext_atto"),
    *("--route", "wrapper", "--route", "tower", "--rerun"),
)
LONGEST = 8.0  # seconds that an end may take; pytest-xdist alone waits for ten


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """Where the process that the case leaves behind notes itself."""
    return tmp_path / "left"


def started(folder: Path, left: Path) -> "subprocess.Popen[bytes]":
    """The command, in a process group of its own; returns while its case sleeps, beside a process of its own."""
    deeds = {saboteur.SABOTAGE: json.dumps({"wrapper/convnext_atto": "leave and sleep"}), saboteur.LEFT: str(left)}
    process = subprocess.Popen(  # noqa: S603 - the tests' own words
        [sys.executable, "-m", "nox", "-s", "matrix", "--", *SELECTION, "--results", str(folder / "results")],
        cwd=ROOT,
        env={**os.environ, **VARIABLES, **deeds, "TMPDIR": tempfile.gettempdir()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until(lambda: left.is_file() and left.read_text().endswith("\n"), 120)
    return process


@pytest.mark.slow
def test_ctrl_c_ends_a_run_at_once_with_all_that_it_started(tmp_path: Path, left: Path) -> None:
    process = started(tmp_path, left)
    family = [process.pid, *descendants(process.pid), int(left.read_text())]
    try:
        begun = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)
        until(lambda: not any(runs(pid) for pid in family), LONGEST)
        assert time.monotonic() - begun < LONGEST
    finally:
        _end(family)
    [run] = record.read(path_in(tmp_path / "results", PAIR, "cpu-float32"))[:1]
    assert "wrapper/convnext_atto" not in run.cases
    assert not list(Path(tempfile.gettempdir()).glob(f"{tempdirs.PREFIX}*"))


@pytest.mark.slow
def test_what_a_killed_run_left_ends_when_the_next_one_starts(tmp_path: Path, left: Path) -> None:
    process = started(tmp_path, left)
    orphan = int(left.read_text())
    family = [process.pid, *(pid for pid in descendants(process.pid) if pid != orphan)]
    try:
        tempdirs.sweep(Path(tempfile.gettempdir()))
        assert runs(orphan)
        _end(family)
        process.wait(60)
        until(lambda: not any(runs(pid) for pid in family), LONGEST)
        assert runs(orphan)
        tempdirs.sweep(Path(tempfile.gettempdir()))
        until(lambda: not runs(orphan), LONGEST)
    finally:
        _end([*family, orphan])


@pytest.fixture(autouse=True)
def _folder_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folders of other runs on this machine are not the test's business."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))


def _end(pids: list[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
