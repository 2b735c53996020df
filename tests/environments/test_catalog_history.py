"""The packaged catalogs come out of their history as they went in, and of no other."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.config.errors import BadInput
from harness.contract import catalog
from harness.contract.catalog import Catalog
from harness.environments import catalog_history
from tests.small_matrix import entry

MADE = {
    "1.0.9": "0767b3a1c480747f9297377423a24a32cd5e3c659e899ba14164f6539ad2588e",
    "1.0.14": "e45283b092ed13170acff3c10dbc46191d3b85d9e5a52231076e804e1972634e",
    "1.0.15": "c960b98e220909658b3f6cc640479c04dd8e585e74db5b480ac83921d1a85fbe",
    "1.0.22": "17f56947e6e41d2991023f61e8133f68523bfe02f2faf4a77c47d3170a80ef11",
    "1.0.24": "f4437ae4c5dd44e61a3a4fbb0ad1bdeeb2d79d9dc350c00096704c3ea42a7305",
    "1.0.27": "8722aed0238c098f825a29ab870c399e3d6e59af6ce95b3e5327aaf6de28fdd1",
    "1.0.31": "c470defcdcf3a69988da2183c383edf7f44f9f0940ce63f3c289b453bcb64db5",
}
"""The digests of the catalogs of timm that were made before there was a history."""
LARGEST = 300_000  # bytes


def of(timm: str, *models: tuple[str, int]) -> Catalog:
    """The catalog of a timm with models, each of so many parameters once slim."""
    return Catalog(timm, 9, ("resnet18",), tuple(entry(model, slim=slim) for model, slim in models))


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the history is, once something is in it."""
    monkeypatch.setattr(catalog, "PACKAGED", tmp_path)
    return tmp_path / catalog_history.NAME


def rows(path: Path) -> list[str]:
    """The lines of models, without what is after the model's name."""
    return [line.partition(', "family"')[0] for line in path.read_text().splitlines() if '"family"' in line]


# What is packaged


@pytest.mark.parametrize(("timm", "digest"), MADE.items())
def test_a_catalog_comes_out_as_it_was_made(timm: str, digest: str) -> None:
    found = catalog_history.read(timm)
    assert found is not None
    assert hashlib.sha256(catalog.dumps(found).encode()).hexdigest() == digest


def test_every_packaged_catalog_comes_out_and_the_file_is_what_they_make() -> None:
    names = catalog_history.releases()
    found = [catalog_history.read(timm) for timm in names]
    assert [known.timm for known in found if known] == list(names)
    text = (catalog.PACKAGED / catalog_history.NAME).read_text()
    assert catalog_history.dumps([known for known in found if known]) == text
    assert len(text) < LARGEST


# How it is written


def test_what_stays_the_same_is_one_line_until_it_changes(path: Path) -> None:
    for known in (
        of("1.0.9", ("a", 1), ("b", 1), ("gone", 1)),
        of("1.0.10", ("a", 1), ("b", 2), ("gone", 1)),
        of("1.0.11", ("a", 1), ("b", 1), ("new", 1)),
    ):
        catalog_history.add(known)
    assert catalog_history.releases() == ("1.0.9", "1.0.10", "1.0.11")
    assert rows(path) == [
        '{"since": "1.0.9", "model": "a"',
        '{"since": "1.0.9", "until": "1.0.9", "model": "b"',
        '{"since": "1.0.10", "until": "1.0.10", "model": "b"',
        '{"since": "1.0.11", "model": "b"',
        '{"since": "1.0.9", "until": "1.0.10", "model": "gone"',
        '{"since": "1.0.11", "model": "new"',
    ]


def test_a_release_that_changes_nothing_adds_its_head_alone_wherever_it_lies(path: Path) -> None:
    catalog_history.add(of("1.0.9", ("a", 1), ("b", 1)))
    catalog_history.add(of("1.0.11", ("a", 1), ("b", 2)))
    before = path.read_text().splitlines()
    catalog_history.add(of("1.0.12", ("a", 1), ("b", 2)))
    catalog_history.add(of("1.0.8", ("a", 1)))
    after = path.read_text().splitlines()
    first, last, *changed = [line for line in after if line not in before]
    assert ('"catalog": "1.0.8"' in first, '"catalog": "1.0.12"' in last) == (True, True)
    assert [line.partition(', "family"')[0] for line in changed] == ['{"since": "1.0.8", "model": "a"']


def test_a_release_that_is_made_again_replaces_what_was_known_of_it_and_of_no_other(path: Path) -> None:
    others = [of("1.0.9", ("a", 1)), of("1.0.11", ("a", 3))]
    for known in (*others, of("1.0.10", ("a", 1), ("b", 1))):
        catalog_history.add(known)
    again = replace(of("1.0.10", ("a", 2)), unbuilt={"c": "TypeError: no"})
    catalog_history.add(again)
    assert [catalog_history.read(known.timm) for known in (*others, again)] == [*others, again]
    assert catalog_history.read("1.0.10.post1") is None
    assert [name.name for name in path.parent.iterdir()] == [path.name]


def test_without_a_file_there_is_no_catalog(path: Path) -> None:
    assert not path.exists()
    assert (catalog_history.releases(), catalog_history.read("1.0.9")) == ((), None)


# A file that was cut or edited

Change = Callable[[list[str]], list[str]]
OTHER = "line 1: the catalog of timm 1.0.9 does not come out as it was written"
CHANGES: dict[str, tuple[Change, str]] = {
    "cut in a line": (lambda lines: [*lines[:-1], lines[-1][:50]], "line 5: the file ends too early"),
    "cut after a line": (
        lambda lines: lines[:-1],
        OTHER,
    ),
    "cut to the heads": (lambda lines: lines[:2], "line 3: the file ends too early"),
    "empty": (lambda _: [], "line 1: the file ends too early"),
    "a head is gone": (lambda lines: lines[1:], "line 2: not as it was written"),
    "a line is none of JSON": (lambda lines: [*lines[:2], "?\n", *lines[3:]], "line 3: not as it was written"),
    "a line is there twice": (
        lambda lines: [*lines, lines[-1]],
        OTHER,
    ),
    "a number is another": (
        lambda lines: [line.replace('"params": 1,', '"params": 2,') for line in lines],
        OTHER,
    ),
    "a release is another": (
        lambda lines: [line.replace('"until": "1.0.9"', '"until": "1.0.8"') for line in lines],
        "line 3: not as it was written",
    ),
    "another schema": (
        lambda lines: [line.replace('"schema": 5', '"schema": 4').replace(*_digests(lines)) for line in lines],
        "line 1: timm 1.0.9: not a catalog of schema 5",
    ),
}


def _digests(lines: list[str]) -> tuple[str, str]:
    """The digest of the first catalog, and what it is of the same with another schema."""
    head, first, second = (line.partition(", ")[2] for line in (lines[0], lines[2], lines[4]))
    first = first.partition(", ")[2]
    text = "".join(f"{{{line}" for line in (head.replace('"schema": 5', '"schema": 4'), first, second))
    return lines[0].split('"')[3], hashlib.sha256(text.encode()).hexdigest()[:16]


@pytest.mark.parametrize(("change", "message"), CHANGES.values(), ids=CHANGES)
def test_a_file_that_was_cut_or_edited_is_one_error(path: Path, change: Change, message: str) -> None:
    for known in (of("1.0.9", ("a", 1), ("b", 1)), of("1.0.10", ("a", 2), ("b", 1))):
        catalog_history.add(known)
    text = "".join(change(path.read_text().splitlines(keepends=True)))
    path.write_text(text)
    with pytest.raises(BadInput) as caught:
        catalog_history.read("1.0.9")
    assert str(caught.value) == f"{path}, {message}; {catalog_history.REMEDY}"
    with pytest.raises(BadInput, match=r", line \d: "):
        catalog_history.add(of("1.0.11", ("a", 1)))
    assert path.read_text() == text


def test_a_file_that_cannot_be_read_is_an_error_too(path: Path) -> None:
    path.mkdir()
    with pytest.raises(BadInput) as caught:
        catalog_history.releases()
    assert str(caught.value) == f"{path}: Is a directory; {catalog_history.REMEDY}"
