"""Files of fingerprints are read as they were written, and each packaged one fits the catalog of its release."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.config import matrix
from harness.contract import catalog, fingerprints
from harness.contract.case import SEED
from harness.contract.fingerprints import PACKAGED, Fingerprints, Line
from harness.environments import catalog_history
from tests.places import ROOT

LARGEST = 300_000  # bytes of a file
PRINT = {"shape": [1, 8], "mean": 0.5, "std": 1.25, "absmax": 10.0, "samples": [0.25] * 8}
RELEASES = sorted({pair.timm for pair in matrix.load(ROOT / "matrix.yaml").pairs})


def line(model: str = "vit", **fields: Any) -> Line:
    usual: dict[str, Any] = {"args": {"depth": 2}, "input_size": (3, 56, 56), "outputs": {"img_size: features": PRINT}}
    return Line(model, **usual | fields)


def prints(timm: str = "1.0.31", lines: Sequence[Line] = (line(),)) -> Fingerprints:
    return Fingerprints(timm, "2.14.1", SEED, (5, 8), tuple(lines))


def test_what_is_written_reads_back_equal_and_says_first_what_made_it() -> None:
    text = fingerprints.dumps(prints(lines=[line("b"), line("a", outputs={})]))
    first, *rows = text.splitlines()
    assert '"made_by": "nox -s catalog -- timm==1.0.31"' in first
    assert [json.loads(row)["model"] for row in rows] == ["a", "b"]
    assert fingerprints.loads(text) == prints(lines=[line("a", outputs={}), line("b")])


def test_figures_are_rounded_to_seven_digits() -> None:
    [read] = fingerprints.loads(
        fingerprints.dumps(prints(lines=[line(outputs={"x": {**PRINT, "mean": 0.123456789, "absmax": 12345678.9}})]))
    ).lines
    assert (read.outputs["x"]["mean"], read.outputs["x"]["absmax"]) == (0.1234568, 12345680.0)


def test_a_figure_that_is_not_finite_is_not_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        fingerprints.dumps(prints(lines=[line(outputs={"x": {**PRINT, "mean": float("nan")}})]))


@pytest.mark.parametrize(
    "text",
    ["", "{}", '{"fingerprints": "1.0.31", "schema": 0}', '{"schema": 1}'],
    ids=["empty", "no head", "old", "no"],
)
def test_a_text_of_something_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^no fingerprints of schema 1$"):
        fingerprints.loads(text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for release in ("1.0.9", "1.0.14", "1.0.31"):
        catalog.path_in(tmp_path, release).write_text(fingerprints.dumps(prints(release)))
    return tmp_path


@pytest.mark.parametrize(
    ("timm", "read"),
    [
        ("1.0.31", ["1.0.31", "1.0.14", "1.0.9"]),
        ("1.0.27", ["1.0.14", "1.0.9"]),
        ("1.0.32.dev0+g1a2b3c4", ["1.0.31", "1.0.14", "1.0.9"]),
        ("1.0.31.dev0", ["1.0.14", "1.0.9"]),
        ("1.0.8", []),
    ],
)
def test_a_release_is_compared_with_itself_and_with_older_ones_the_newest_first(
    folder: Path, timm: str, read: list[str]
) -> None:
    assert [each.timm for each in fingerprints.up_to(timm, folder)] == read


def test_the_digest_is_of_the_files_that_a_release_is_compared_with(folder: Path) -> None:
    releases = ("1.0.9", "1.0.14", "1.0.27", "1.0.31")
    before = {release: fingerprints.digest(release, folder) for release in releases}
    assert before["1.0.27"] == before["1.0.14"]
    catalog.path_in(folder, "1.0.14").write_text(fingerprints.dumps(prints("1.0.14", [])))
    changed = {release for release in releases if fingerprints.digest(release, folder) != before[release]}
    assert changed == {"1.0.14", "1.0.27", "1.0.31"}


def test_a_line_is_that_of_a_model_which_is_slim_in_the_same_way() -> None:
    entry = replace(catalog.BERT, model="vit", slim=catalog.Cut({"depth": 2}, (3, 56, 56), 10))
    assert prints().of(entry) == line()
    others = [
        replace(entry, model="other"),
        replace(entry, slim=replace(entry.slim, args={})),
        replace(entry, slim=replace(entry.slim, input_size=(3, 64, 64))),
    ]
    assert [prints().of(other) for other in others] == [None] * len(others)
    stood_for = replace(entry, model="other", slim=replace(entry.slim, same_as="vit"))
    assert prints().of(stood_for) == line()
    assert prints().of(replace(stood_for, slim=replace(stood_for.slim, args={}))) is None


@pytest.mark.parametrize("timm", RELEASES)
def test_the_packaged_file_of_a_release_has_its_quick_models_as_its_catalog_makes_them_slim(timm: str) -> None:
    described = catalog_history.read(timm)
    assert described is not None
    names = [path.stem.removeprefix("timm-") for path in fingerprints.paths(timm, PACKAGED)[1:]]
    older = [known for name in names if (known := catalog_history.read(name))]
    assert len(older) == len(names)
    entries = fingerprints.recorded(described, older)
    text = catalog.path_in(PACKAGED, timm).read_text()
    packaged = fingerprints.loads(text)
    assert (packaged.timm, packaged.seed, len(text) < LARGEST) == (timm, SEED, True)
    assert [line.model for line in packaged.lines] == [entry.model for entry in entries]
    assert [entry.model for entry in entries if packaged.of(entry) is None] == []


def test_the_packaged_files_are_those_of_the_releases_in_the_matrix() -> None:
    assert sorted(path.name for path in PACKAGED.iterdir()) == [f"timm-{release}.ndjson" for release in RELEASES]


def test_a_model_that_was_quick_in_an_older_release_keeps_its_line() -> None:
    def described(*models: tuple[str, str]) -> catalog.Catalog:
        entries = (replace(catalog.BERT, model=model, family=family) for model, family in models)
        return catalog.Catalog("1.0.31", 2, (), tuple(entries))

    now = described(("a", "vit"), ("b", "vit"), ("c", "vit"))
    assert [entry.model for entry in fingerprints.recorded(now, [])] == ["a"]
    before = described(("b", "vit"), ("gone", "resnet"))
    assert [entry.model for entry in fingerprints.recorded(now, [before])] == ["a", "b"]
