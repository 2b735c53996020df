"""Which releases there are."""

from pathlib import Path

import pytest
from packaging.version import Version

from harness.atlas import releases
from harness.atlas.asking import ask
from harness.config.errors import BadInput

KNOWN = {"transformers": ["4.57.6", "5.0.0", "5.10.0"], "timm": ["1.0.22", "1.0.31"]}


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / releases.NAME
    assert releases.read(path) == {}
    releases.write(KNOWN, "2026-11-29", path)
    assert releases.read(path) == KNOWN


@pytest.mark.parametrize("text", ["{", "[]\n", '{"package": "timm"}\n', '{"package": "timm", "releases": ["x"]}\n'])
def test_a_file_that_was_cut_or_edited_is_one_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / releases.NAME
    path.write_text(text)
    with pytest.raises(BadInput, match=r"releases\.ndjson is no file of the atlas"):
        releases.read(path)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("5.0", "5.0.0"), ("5.10.0", "5.10.0"), ("5.11", "5.11"), ("4.40.2", "4.40.2"), ("5.1.0.dev0", "5.1.0.dev0")],
)
def test_a_release_is_spelled_as_on_pypi_and_what_may_come_is_taken_as_it_is(asked: str, expected: str) -> None:
    assert releases.release_of("transformers", Version(asked), KNOWN) == expected


def test_a_version_that_none_has_is_one_error_with_those_next_to_it() -> None:
    with pytest.raises(
        BadInput, match=r"^transformers 5\.0\.1 is no release, or was withdrawn; next to it are 5\.0\.0 and 5\.10\.0$"
    ):
        releases.release_of("transformers", Version("5.0.1"), KNOWN)


def test_asking_for_one_is_that_error_too() -> None:
    with pytest.raises(
        BadInput, match=r"timm 1\.0\.15\.7 is no release, or was withdrawn; next to it are 1\.0\.15 and 1\.0\.16"
    ):
        ask("5.23.0", "1.0.15.7")
