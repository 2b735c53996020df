"""Files that are meant to break a reader of YAML: each is one error, at once, and names the file."""

import os
import time
from pathlib import Path

import pytest

from harness.config import matrix, yaml_document
from harness.config.errors import BadInput

BOMB = "\n".join(["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40))])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (BOMB, "has more than 20,000 values, aliases written out"),
        ("[" * 50_000, "nested too deeply"),
        ("- " * 5_000 + "x", "nested too deeply"),
        ("x" * (2**18 + 1), "has 262,145 bytes, more than the 262,144 that are read"),
        ("\ufeff\x00", "not YAML"),
        ("!!python/object:os.system x", "not YAML: could not determine a constructor"),
    ],
    ids=["bomb", "deep", "deep in blocks", "large", "no text", "a tag of Python's"],
)
def test_a_file_without_bounds_is_refused_at_once(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "matrix.yaml"
    path.write_text(text)
    started = time.monotonic()
    with pytest.raises(BadInput, match=problem) as caught:
        yaml_document.read(path)
    assert str(path) in str(caught.value)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("name", "make", "problem"),
    [
        ("fifo", os.mkfifo, "is no regular file"),
        ("zero", lambda path: path.symlink_to("/dev/zero"), "is no regular file"),
        ("itself", lambda path: path.symlink_to("itself"), "cannot be read: Too many levels of symbolic links"),
        ("folder", Path.mkdir, "is no regular file"),
        ("x" * 300, lambda _: None, "cannot be read: File name too long"),
        ("nothing", lambda _: None, "there is no such file"),
    ],
    ids=["fifo", "device", "a link to itself", "folder", "long name", "nothing"],
)
def test_what_is_no_file_is_refused(tmp_path: Path, name: str, make: object, problem: str) -> None:
    assert callable(make)
    make(tmp_path / name)
    with pytest.raises(BadInput, match=problem):
        yaml_document.read(tmp_path / name)


def test_a_value_that_its_tag_does_not_allow_stays_text(tmp_path: Path) -> None:
    path = tmp_path / "matrix.yaml"
    path.write_text(f"a: !!bool maybe\nb: 2026-13-01\nc: {'9' * 5_000}\nd: !!int x\n")
    read = yaml_document.read(path)
    assert read.data == {"a": "maybe", "b": "2026-13-01", "c": "9" * 5_000, "d": "x"}


def test_of_very_many_problems_the_first_are_told(tmp_path: Path) -> None:
    path = tmp_path / "matrix.yaml"
    path.write_text("\n".join(f"unknown{number}: 1" for number in range(9_000)))
    with pytest.raises(BadInput) as caught:
        matrix.load(path)
    lines = str(caught.value).splitlines()
    assert len(lines) == 51
    assert lines[-1].endswith("more like these; mend the first, and ask again")
