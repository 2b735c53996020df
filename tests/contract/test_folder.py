"""The id of a results folder: kept in it, and another for a copy."""

import shutil
from pathlib import Path

from harness.contract import folder


def test_a_folder_keeps_the_id_that_it_got_first(tmp_path: Path) -> None:
    first = folder.identity(tmp_path)
    assert len(first) == 16
    assert folder.identity(tmp_path) == first
    assert [path.name for path in tmp_path.iterdir()] == [folder.FILE]


def test_a_folder_that_was_moved_is_the_same_one_and_a_copy_is_another(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    first = folder.identity(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "copy")
    (tmp_path / "a").rename(tmp_path / "b")
    assert folder.identity(tmp_path / "b") == first
    copy = folder.identity(tmp_path / "copy")
    assert copy != first
    assert folder.identity(tmp_path / "copy") == copy


def test_a_file_that_holds_no_id_is_made_again(tmp_path: Path) -> None:
    for text in ("", "abc", "abc def", "\x00"):
        (tmp_path / folder.FILE).write_text(text)
        assert len(folder.identity(tmp_path)) == 16
