"""A lock holds what a pair's environment holds; one that was made for something else is refused."""

import re
from pathlib import Path

import pytest

from harness.commands.run import MatrixCommand
from harness.config import matrix
from harness.config.errors import BadInput
from harness.config.matrix import Matrix
from harness.config.pair import Pair
from harness.environments import lock
from harness.environments.lock import Lock
from tests.places import ROOT

SHIPPED = matrix.load(ROOT / "matrix.yaml")
PAIR = SHIPPED.pairs[-1]
TEXT = """\
# Made by hand
numpy==2.4.6 ; python_full_version < '3.12' \\
    --hash=sha256:0a1b
numpy==2.5.5 ; python_full_version >= '3.12' \\
    --hash=sha256:0a1b
Typing_Extensions==4.16.0
"""


@pytest.fixture
def small(tmp_path: Path) -> Lock:
    path = tmp_path / "small.txt"
    path.write_text(TEXT)
    return Lock.read(path)


def shipped(pair: str) -> str:
    return lock.path_in(lock.FOLDER, pair).read_text()


@pytest.mark.parametrize("pair", SHIPPED.pairs, ids=lambda pair: pair.id)
def test_every_pair_of_the_matrix_has_a_lock_as_of_its_date(pair: Pair) -> None:
    assert lock.of(pair) is not None
    head = shipped(pair.id).splitlines()[0]
    assert head == f"# Made by nox -s lock -- --pair {pair.id}, as of {SHIPPED.as_of}; do not edit."


@pytest.mark.parametrize("pair", SHIPPED.pairs, ids=lambda pair: pair.id)
def test_every_package_of_a_shipped_lock_has_a_hash_and_no_address(pair: Pair) -> None:
    text = shipped(pair.id)
    blocks = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]
    assert [block.partition(" ")[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert len(blocks) == sum(map(len, Lock.read(lock.path_in(lock.FOLDER, pair.id)).pins.values()))
    assert "://" not in text


def test_no_lock_is_left_over() -> None:
    environments = {lock.name_of(pair, companions=companions) for pair in SHIPPED.pairs for companions in (False, True)}
    assert {path.stem for path in lock.FOLDER.iterdir()} == environments


def test_a_lock_has_every_version_of_a_package_by_its_normal_name(small: Lock) -> None:
    assert small.pins == {"numpy": {"2.4.6", "2.5.5"}, "typing-extensions": {"4.16.0"}}


def test_the_digest_is_that_of_the_content(small: Lock, tmp_path: Path) -> None:
    copy = tmp_path / "copy.txt"
    copy.write_text(TEXT)
    assert Lock.read(copy).digest == small.digest
    copy.write_text(TEXT.replace("0a1b", "0a1c", 1))
    assert Lock.read(copy).digest != small.digest


@pytest.mark.parametrize(
    ("packages", "differences"),
    [
        ({"numpy": "2.5.5", "typing_extensions": "4.16.0"}, []),
        ({"numpy": "2.4.5"}, ["numpy is 2.4.5, not 2.4.6 or 2.5.5"]),
        ({"NumPy": "2.4.6", "accelerate": "1.2"}, ["accelerate is 1.2, not there"]),
        ({"pip": "26.0", "wheel": "1.0", "python": "3.11.7"}, []),
    ],
    ids=["none", "another version", "another package", "what an environment is made of"],
)
def test_what_is_installed_is_held_against_a_lock(
    small: Lock, packages: dict[str, str], differences: list[str]
) -> None:
    assert small.differences(packages) == differences


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        ({}, None),
        ({"torch": "2.14.1+cu130"}, None),
        ({"timm": "1.0.31+x1"}, "timm 1.0.31 was asked for, and 1.0.31+x1 is installed"),
        ({"torch": "2.14.1+mine"}, "torch 2.14.1 was asked for, and 2.14.1+mine is installed"),
        ({"torch": "2.14.0"}, "torch 2.14.1 was asked for, and 2.14.0 is installed"),
        ({"timm": "1.0.31.dev0"}, "timm 1.0.31 was asked for, and 1.0.31.dev0 is installed"),
        ({"python": "3.12.0"}, "python 3.11.* was asked for, and 3.12.0 is installed"),
    ],
    ids=["as asked", "a build", "another local version", "another build", "older", "development", "Python"],
)
def test_what_is_installed_is_held_against_the_pair(found: dict[str, str], problem: str | None) -> None:
    there = {**PAIR.versions, "python": "3.11.7"}
    assert lock.mismatches(PAIR, {**there, **found}) == ([problem] if problem else [])


def test_a_package_that_is_missing_is_wrong() -> None:
    there = {**PAIR.versions, "python": "3.11.7"}
    del there["timm"]
    assert lock.mismatches(PAIR, there) == ["timm 1.0.31 was asked for, and none is installed"]


def test_a_pair_without_a_file_has_no_lock(tmp_path: Path) -> None:
    assert lock.of(PAIR, tmp_path) is None


def test_a_lock_that_was_made_for_something_else_is_refused_with_all_that_is_wrong(tmp_path: Path) -> None:
    path = lock.path_in(tmp_path, PAIR.id)
    text = shipped(PAIR.id).replace("timm==1.0.31", "timm==1.0.30").replace("pytest==9", "pytest==7")
    path.write_text(text)
    with pytest.raises(BadInput) as caught:
        lock.of(PAIR, tmp_path)
    remedy = f"make it again: nox -s lock -- --pair {PAIR.id}"
    assert str(caught.value).splitlines() == [
        f"{path}: has timm 1.0.30, and timm==1.0.31 is wanted; {remedy}",
        f"{path}: has pytest 7.2.0, and pytest<10,>=8 is wanted; {remedy}",
    ]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"nothing here"], ids=["empty", "no text", "no pin"])
def test_a_file_without_a_package_is_no_lock(tmp_path: Path, content: bytes) -> None:
    path = lock.path_in(tmp_path, PAIR.id)
    path.write_bytes(content)
    with pytest.raises(BadInput) as caught:
        lock.of(PAIR, tmp_path)
    assert str(caught.value) == (f"{path}: there is no package in it; make it again: nox -s lock -- --pair {PAIR.id}")


def test_a_bad_lock_is_found_before_anything_is_installed(
    small_matrix: Matrix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "FOLDER", tmp_path)
    for pair in small_matrix.pairs:
        lock.path_in(tmp_path, pair.id).write_text("")
    with pytest.raises(BadInput, match=r"there is no package in it(.|\n)*there is no package in it"):
        MatrixCommand.of([], "matrix")
    assert MatrixCommand.of([], "lock").pair_runs  # which mends it
