"""An environment is complete once its marker is there; while it is used it is held, and nobody removes it."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.environments import pair_folder
from harness.environments.pair_folder import PairFolder, clean, make_room

PAIR = "transformers5.23.0-timm1.0.31"


def nothing() -> None:
    pass


@pytest.fixture
def folder(tmp_path: Path) -> PairFolder:
    return PairFolder.of(tmp_path, PAIR, "3.11", "timm==1.0.31")


def maker(folder: PairFolder, made: list[str] | None = None) -> Callable[[], None]:
    def make() -> None:
        folder.path.mkdir(parents=True)
        (folder.path / "file").write_text("installed")
        folder.complete(PAIR, {"timm": "1.0.31"})
        if made is not None:
            made.append(folder.path.name)

    return make


def test_the_folder_is_named_for_the_pair_and_for_what_is_in_it(tmp_path: Path) -> None:
    names = [
        PairFolder.of(tmp_path, PAIR, python, resolved).path.name
        for python, resolved in (("3.11", "timm==1.0.31"), ("3.12", "timm==1.0.31"), ("3.11", "timm==1.0.30"))
    ]
    assert len(set(names)) == 3
    assert all(name.startswith(f"{PAIR}-") for name in names)


def test_an_environment_is_made_once(folder: PairFolder) -> None:
    made: list[str] = []
    for _ in range(2):
        with folder.held(maker(folder, made), nothing):
            assert folder.is_complete
    assert made == [folder.path.name]


def test_one_without_its_marker_is_made_again_from_nothing(folder: PairFolder) -> None:
    folder.path.mkdir(parents=True)
    (folder.path / "left by an interrupted installation").touch()
    with folder.held(maker(folder), nothing):
        assert [path.name for path in folder.path.glob("left*")] == []


def test_one_whose_making_fails_is_not_complete(folder: PairFolder) -> None:
    def failing() -> None:
        folder.path.mkdir(parents=True)
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"), folder.held(failing, nothing):
        pass
    assert not folder.is_complete
    with folder.held(maker(folder), nothing):
        assert folder.is_complete


def hold(folder: PairFolder, holding: Any, seconds: float) -> None:
    with folder.held(maker(folder), nothing):
        holding.set()
        time.sleep(seconds)


@pytest.fixture
def held_elsewhere(folder: PairFolder) -> Any:
    """A process that makes and holds the environment."""
    context = multiprocessing.get_context("spawn")
    holding = context.Event()
    process = context.Process(target=hold, args=(folder, holding, 60))
    process.start()
    assert holding.wait(30)
    yield process
    process.kill()
    process.join()


def test_one_that_another_process_uses_is_shared_and_not_removed(folder: PairFolder, held_elsewhere: Any) -> None:
    with folder.held(maker(folder), nothing):
        pass
    assert not folder.make_again(maker(folder))
    assert clean(folder.path.parent) == ([], [folder.path.name])
    assert folder.is_complete
    os.kill(held_elsewhere.pid, signal.SIGKILL)  # the lock goes with the process, however it ends
    held_elsewhere.join()
    assert clean(folder.path.parent) == ([folder.path.name], [])
    assert list(folder.path.parent.iterdir()) == []


def test_another_run_waits_while_one_installs(folder: PairFolder) -> None:
    made: list[str] = []
    waited = threading.Event()

    def slowly() -> None:
        assert waited.wait(30)
        maker(folder, made)()

    def first() -> None:
        with folder.held(slowly, nothing):
            pass

    installing = threading.Thread(target=first)
    installing.start()
    while not folder.path.with_name(f"{folder.path.name}.lock").exists():
        time.sleep(0.01)
    with folder.held(maker(folder, made), waited.set):
        assert folder.is_complete
    installing.join()
    assert made == [folder.path.name]


def test_what_was_not_used_for_a_month_is_removed(
    tmp_path: Path, folder: PairFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = PairFolder.of(tmp_path, PAIR, "3.12", "")
    for each in (folder, other):
        with each.held(maker(each), nothing):
            pass
    month_ago = time.time() - pair_folder.UNUSED - 1
    os.utime(folder.path.with_name(f"{folder.path.name}.lock"), (month_ago, month_ago))
    monkeypatch.setattr(pair_folder, "ROOM", 0)
    assert make_room(tmp_path) == [folder.path.name]
    assert other.is_complete


def test_where_disk_is_short_the_longest_unused_go(
    tmp_path: Path, folder: PairFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = PairFolder.of(tmp_path, PAIR, "3.12", "")
    for age, each in enumerate((other, folder)):
        with each.held(maker(each), nothing):
            pass
        then = time.time() - 1000 + age
        os.utime(each.path.with_name(f"{each.path.name}.lock"), (then, then))
    monkeypatch.setattr(pair_folder, "ROOM", 2**62)
    assert make_room(tmp_path) == [other.path.name, folder.path.name]


def test_what_a_killed_run_had_resolved_is_cleaned(tmp_path: Path) -> None:
    with pair_folder.draft(tmp_path) as draft:
        assert clean(tmp_path) == ([], [draft.name])
        assert draft.is_dir()
    assert list(tmp_path.iterdir()) == []
    left = tmp_path / "resolved-abc"
    left.mkdir()
    assert clean(tmp_path) == (["resolved-abc"], [])
    assert list(tmp_path.iterdir()) == []


def test_only_what_is_old_enough_is_cleaned(tmp_path: Path, folder: PairFolder) -> None:
    with folder.held(maker(folder), nothing):
        pass
    assert clean(tmp_path, older_than=3600) == ([], [])
    assert clean(tmp_path / "nothing") == ([], [])
