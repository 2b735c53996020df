"""A folder is written as a whole or not at all."""

import stat
from pathlib import Path

import pytest

from harness.mending import written


def test_what_is_written_takes_its_place_at_the_end(tmp_path: Path) -> None:
    into = tmp_path / "copy"
    with written.anew(into) as stage:
        (stage / "config.json").write_text("{}")
        assert not into.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]
    assert (into / "config.json").read_text() == "{}"
    beside = tmp_path / "beside"
    beside.mkdir()
    assert stat.S_IMODE(into.stat().st_mode) == stat.S_IMODE(beside.stat().st_mode)


def test_an_empty_folder_is_as_good_as_none(tmp_path: Path) -> None:
    into = tmp_path / "copy"
    into.mkdir()
    written.refuse(into)
    with written.anew(into) as stage:
        (stage / "config.json").write_text("{}")
    assert (into / "config.json").exists()


def test_nothing_is_left_of_what_was_stopped(tmp_path: Path) -> None:
    def stopped() -> None:
        with written.anew(tmp_path / "copy") as stage:
            (stage / "config.json").write_text("{}")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["a file", "a link"])
def test_what_is_no_folder_is_refused(tmp_path: Path, kind: str) -> None:
    into = tmp_path / "copy"
    (tmp_path / "there").mkdir()
    into.write_text("") if kind == "a file" else into.symlink_to(tmp_path / "there")
    with pytest.raises(ValueError, match=r"copy: is no folder; name one that is not there yet"):
        written.refuse(into)


def test_a_place_in_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the folder that is to hold it is not there"):
        written.refuse(tmp_path / "none" / "copy")


def test_a_place_that_cannot_be_written_is_told_by_its_own_name() -> None:
    into = Path("/proc/copy")
    with pytest.raises(ValueError, match=r"^/proc/copy: cannot be written: [^/]*$"), written.anew(into):
        pass


def test_a_file_of_the_copy_that_cannot_be_written_is_told_by_the_name_of_the_copy(tmp_path: Path) -> None:
    into = tmp_path / "copy"
    with pytest.raises(ValueError, match=f"^{into}: cannot be written: Is a directory$"), written.anew(into) as stage:
        stage.write_text("")


def test_a_file_of_somebody_else_keeps_its_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="theirs"), written.anew(tmp_path / "copy"):
        (tmp_path / "theirs").read_text()
