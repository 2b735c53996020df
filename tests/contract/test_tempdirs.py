"""Scratch folders are private, held by a lock, and swept only when nobody holds them. With real processes."""

import json
import os
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.contract import tempdirs
from harness.contract.processes import with_variable
from tests.places import ROOT

HOLDING = (
    "import sys, tempfile; tempfile.tempdir = sys.argv[1]\n"
    "from harness.contract import tempdirs\n"
    "with tempdirs.folder() as folder:\n"
    "    (folder / 'worker-1').mkdir(); (folder / 'worker-1' / 'model.safetensors').write_bytes(b'weights')\n"
    "    print(folder, flush=True); input()\n"
)


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder of this machine, as far as the tests know."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def hold(root: Path) -> Iterator[Callable[[], "tuple[subprocess.Popen[str], Path]"]]:
    """Starts a process that holds a folder with a checkpoint in it, and waits."""
    started = []

    def start() -> "tuple[subprocess.Popen[str], Path]":
        process = subprocess.Popen(  # noqa: S603 - the test's own words
            [sys.executable, "-c", HOLDING, str(root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        started.append(process)
        assert process.stdout is not None
        return process, Path(process.stdout.readline().strip())

    yield start
    for process in started:
        process.kill()
        process.communicate()


def killed(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.wait()


def age(path: Path, days: float) -> None:
    """Make a folder look as if nobody had written in it for days."""
    then = time.time() - days * 24 * 3600
    for inside in (*path.iterdir(), path):
        os.utime(inside, (then, then))


def test_the_folder_is_new_and_private_and_its_name_cannot_be_guessed(root: Path) -> None:
    with tempdirs.folder() as first, tempdirs.folder() as second:
        assert first.parent == second.parent == root
        assert first != second
        assert str(os.getpid()) not in first.name
        assert stat.S_IMODE(first.stat().st_mode) == 0o700
        assert [path.name for path in first.iterdir()] == [tempdirs.HELD]


def test_the_folder_goes_at_the_end_with_all_that_is_in_it(root: Path) -> None:
    with tempdirs.folder() as folder:
        (folder / "plan.json").write_text("{}")
        (folder / "worker-1").mkdir()
    assert list(root.iterdir()) == []


def test_the_folder_goes_on_an_exception_and_the_exception_goes_on(root: Path) -> None:
    with pytest.raises(FileExistsError), tempdirs.folder() as folder:
        folder.mkdir()
    assert list(root.iterdir()) == []


def test_a_folder_that_is_gone_already_is_no_error_at_the_end() -> None:
    with tempdirs.folder() as folder:
        (folder / tempdirs.HELD).unlink()
        folder.rmdir()


def test_a_folder_is_kept_as_long_as_its_process_lives_and_swept_once_that_was_killed(
    root: Path, hold: "Callable[[], tuple[subprocess.Popen[str], Path]]"
) -> None:
    process, held = hold()
    tempdirs.sweep(root)
    assert (held / "worker-1" / "model.safetensors").exists()
    killed(process)
    tempdirs.sweep(root)
    assert not held.exists()


def test_a_folder_whose_process_another_container_cannot_see_is_kept(
    root: Path, hold: "Callable[[], tuple[subprocess.Popen[str], Path]]", monkeypatch: pytest.MonkeyPatch
) -> None:
    def unseen(pid: int, _signal: int) -> None:
        raise ProcessLookupError(pid)

    _, held = hold()
    monkeypatch.setattr(os, "kill", unseen)
    tempdirs.sweep(root)
    assert held.exists()


def test_a_folder_that_is_not_locked_yet_is_kept(root: Path) -> None:
    made = Path(tempfile.mkdtemp(prefix=f"{tempdirs.PREFIX}cases-", dir=root))
    tempdirs.sweep(root)
    assert made.exists()
    age(made, 8)
    tempdirs.sweep(root)
    assert not made.exists()


def test_no_folder_is_swept_by_a_run_that_starts_in_the_same_moment(root: Path) -> None:
    stop = threading.Event()

    def sweeping() -> None:
        while not stop.is_set():
            tempdirs.sweep(root)

    sweeper = threading.Thread(target=sweeping)
    sweeper.start()
    try:
        for _ in range(200):
            with tempdirs.folder() as folder:
                assert (folder / tempdirs.HELD).exists()
    finally:
        stop.set()
        sweeper.join()


def test_a_folder_of_another_host_is_kept_for_a_week(
    root: Path, hold: "Callable[[], tuple[subprocess.Popen[str], Path]]"
) -> None:
    process, held = hold()
    killed(process)
    lock = held / tempdirs.HELD
    lock.write_text(json.dumps({**json.loads(lock.read_text()), "boot": "of another kernel"}))
    tempdirs.sweep(root)
    assert held.exists()
    age(held, 8)
    tempdirs.sweep(root)
    assert not held.exists()


def test_a_lock_file_that_a_full_disk_cut_short_is_swept_after_a_week(
    root: Path, hold: "Callable[[], tuple[subprocess.Popen[str], Path]]"
) -> None:
    process, held = hold()
    killed(process)
    (held / tempdirs.HELD).write_text('{"host": "a')
    tempdirs.sweep(root)
    assert held.exists()
    age(held, 8)
    tempdirs.sweep(root)
    assert not held.exists()


@pytest.mark.parametrize("name", ["notes", "cases-1234-cases", ""], ids=["words", "a process", "nothing"])
def test_a_folder_without_our_lock_file_is_left_alone(root: Path, name: str) -> None:
    other = root / f"{tempdirs.PREFIX}{name}"
    other.mkdir()
    (other / "thesis.txt").write_text("all of it")
    age(other, 30)
    tempdirs.sweep(root)
    assert (other / "thesis.txt").exists()


def test_a_link_to_a_folder_of_ours_is_left_alone(
    root: Path, hold: "Callable[[], tuple[subprocess.Popen[str], Path]]"
) -> None:
    process, held = hold()
    killed(process)
    aside = held.rename(root / "aside")
    (root / f"{tempdirs.PREFIX}link").symlink_to(aside)
    tempdirs.sweep(root)
    assert (aside / "worker-1").exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to another user")
def test_a_folder_of_another_user_is_left_alone(
    root: Path, hold: "Callable[[], tuple[subprocess.Popen[str], Path]]"
) -> None:
    process, held = hold()
    killed(process)
    os.chown(held, 65534, 65534)
    tempdirs.sweep(root)
    assert held.exists()


def test_processes_that_a_killed_run_left_end_when_its_folder_is_swept(
    root: Path, hold: "Callable[[], tuple[subprocess.Popen[str], Path]]"
) -> None:
    process, held = hold()
    with subprocess.Popen(
        [sys.executable, "-c", "input()"],
        stdin=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, tempdirs.VARIABLE: str(held)},
    ) as left:
        try:
            _until(lambda: with_variable(tempdirs.VARIABLE, str(held)) == [left.pid])
            tempdirs.sweep(root)
            time.sleep(0.1)
            assert left.poll() is None
            killed(process)
            tempdirs.sweep(root)
            left.wait(5)
        finally:
            left.kill()


def _until(holds: Callable[[], bool]) -> None:
    for _ in range(100):
        if holds():
            return
        time.sleep(0.05)
    raise TimeoutError
