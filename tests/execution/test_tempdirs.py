import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.execution import tempdirs

OWN = f"{tempdirs.PREFIX}{os.getpid()}-cases"


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder of this machine, as far as the tests know."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A living process that waits to be told to end."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def leave(root: Path, owner: int | str) -> Path:
    """A folder with a checkpoint in it, as the owner would have left it."""
    path = root / f"{tempdirs.PREFIX}{owner}"
    (path / "worker-1").mkdir(parents=True)
    (path / "worker-1" / "model.safetensors").write_bytes(b"weights")
    return path


def test_the_folder_is_this_processs_own_and_empty(root: Path) -> None:
    with tempdirs.folder() as folder:
        assert folder == root / OWN
        assert list(folder.iterdir()) == []


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
        folder.rmdir()


def test_a_folder_of_a_living_process_is_kept_and_swept_once_that_is_dead(
    root: Path, process: subprocess.Popen[bytes]
) -> None:
    left = leave(root, process.pid)
    with tempdirs.folder():
        assert (left / "worker-1" / "model.safetensors").exists()
    process.kill()
    process.wait()
    with tempdirs.folder():
        assert not left.exists()


def test_what_a_dead_process_of_the_same_number_left_is_not_found_again(root: Path) -> None:
    leave(root, os.getpid())
    with tempdirs.folder() as folder:
        assert list(folder.iterdir()) == []


def test_a_folder_of_a_process_of_another_user_is_kept(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int, signal: int) -> None:
        raise PermissionError(pid, signal)

    left = leave(root, 1)
    monkeypatch.setattr(os, "kill", refuse)
    tempdirs.sweep(root)
    assert left.exists()


@pytest.mark.parametrize("owner", ["notes", "", "-1", "12x"], ids=["word", "nothing", "negative", "number and letter"])
def test_a_folder_that_is_named_after_no_process_is_left_alone(root: Path, owner: str) -> None:
    left = leave(root, owner)
    tempdirs.sweep(root)
    assert left.exists()


def test_a_folder_of_another_program_is_left_alone(root: Path, process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    other = root / f"other-{process.pid}"
    other.mkdir()
    tempdirs.sweep(root)
    assert other.exists()
