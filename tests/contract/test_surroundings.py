import io
import sys
from pathlib import Path

import pytest

from harness.contract import surroundings


@pytest.mark.parametrize(("encoding", "written"), [("ascii", b"\\u25d1 \\udcff"), ("utf-8", "◑ \\udcff".encode())])
def test_what_an_encoding_lacks_is_written_as_its_escape(
    encoding: str, written: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding=encoding, write_through=True))
    surroundings.escape_unencodable()
    sys.stdout.write("◑ \udcff")
    assert out.getvalue() == written


def test_a_stream_that_is_closed_or_somebody_elses_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    surroundings.escape_unencodable()
    assert sys.stdout is None


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "x/" * 3_000, "nothing"], ids=["long", "null", "deep", "nothing"])
def test_a_name_that_cannot_be_is_no_file_and_no_folder(name: str) -> None:
    assert not surroundings.is_file(Path(name))
    assert not surroundings.is_folder(Path(name))


def test_files_and_folders_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert (surroundings.is_file(tmp_path / "file"), surroundings.is_folder(tmp_path / "file")) == (True, False)
    assert (surroundings.is_file(tmp_path), surroundings.is_folder(tmp_path)) == (False, True)
