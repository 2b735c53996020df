"""What the bench says of what it measured."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.commands.bench import bench, plain_pytest, run_command
from harness.commands.bench.bench import Bench, named
from harness.commands.bench.figure import HEAD, Figure
from harness.commands.bench.matrix_run import Ran
from harness.commands.bench.plain_pytest import Plain, failures
from harness.commands.bench.samples import record_all, sample
from harness.config.errors import BadInput, InstallationError
from harness.config.matrix import Matrix
from harness.config.options import Options
from harness.contract.catalog import Catalog
from harness.execution.pair_run import PairRun

pytestmark = pytest.mark.usefixtures("packaged", "gpus")


@pytest.mark.parametrize(
    ("figure", "line"),
    [
        (
            Figure("a", "cost", [1.3, 1.0, 1.1], most=1.15),
            "| a | cost | 1.10 times | 1.00 to 1.30 | at most 1.15 | ✔ |",
        ),
        (Figure("a", "cost", [1.2], most=1.15), "| a | cost | 1.20 times | once | at most 1.15 | ✘ |"),
        (Figure("b", "two", [1.7, 1.8, 1.9], least=1.8), "| b | two | 1.80 times | 1.70 to 1.90 | at least 1.8 | ✔ |"),
        (Figure("d", "idle", [6.0, 6.0], most=5, unit="s"), "| d | idle | 6.00 s | 6.00 to 6.00 | at most 5 | ✘ |"),
        (
            Figure("f", "rival", [30.0], least=20, alike=False),
            "| f | rival | 30.00 times | once | at least 20, the same failures | ✘ |",
        ),
        (Figure("e", "sizes", [7.0], alike=True), "| e | sizes | 7.00 times | once | the same failures | ✔ |"),
    ],
    ids=["reached", "too much", "just enough", "seconds", "other failures", "the same failures"],
)
def test_a_figure_is_a_median_held_against_its_target(figure: Figure, line: str) -> None:
    assert figure.line == line
    assert figure.line.count("|") == HEAD[0].count("|")


def test_made_up_records_are_of_every_case_that_a_run_would_have(
    small_matrix: Matrix, small_catalog: Catalog, tmp_path: Path
) -> None:
    count = record_all(small_matrix, tmp_path)
    found = PairRun.of(small_matrix, small_matrix.pairs[1], Options(results=tmp_path))
    planned = [len(found.records.planned(lane, small_catalog)) for lane in small_matrix.lanes]
    assert [found.pending(lane, small_catalog) for lane in small_matrix.lanes] == [[]] * len(planned)
    assert count == sum(planned)  # the other pair's timm has no catalog


def test_a_command_line_names_figures_or_means_all() -> None:
    assert named([]) == list("abcdefghijk")
    assert named(["f", "a"]) == ["f", "a"]
    with pytest.raises(BadInput, match=r"^nox -s bench has no --fast, x; there are a, b, c, d, e, f, g, h, i, j, k$"):
        named(["x", "a", "--fast"])


def test_a_sample_is_even_by_size_and_has_no_control(small_catalog: Catalog) -> None:
    first = next(entry for entry in small_catalog if entry.layer_scale)
    many = [replace(first, model=f"m{size:02}", params=size) for size in range(31)]
    control = replace(first, model="control", params=15, gamma_keys=0, beta_keys=0, scale_keys=0)
    assert sample(replace(small_catalog, entries=(*many, control)), 4) == ["m03", "m11", "m19", "m27"]
    assert sample(replace(small_catalog, entries=tuple(many)), 99) == [f"m{size:02}" for size in range(31)]


def test_a_command_that_ends_otherwise_is_not_timed() -> None:
    with pytest.raises(RuntimeError, match=r"(?s)ended with 3: no device$"):
        run_command.timed([sys.executable, "-c", "import sys; sys.stderr.write('no device'); sys.exit(3)"])
    assert run_command.timed([sys.executable, "-c", "raise SystemExit(1)"], good={0, 1}) > 0


@pytest.mark.parametrize(
    ("found", "alike"),
    [({"tower"}, True), ({"tower", "backbone"}, False), (set(), False)],
    ids=["same", "more", "none"],
)
def test_the_rival_finds_the_same_only_where_something_failed(
    found: set[str], *, alike: bool, small_matrix: Matrix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = Ran(1.0, {("tower", "m0"): "keys" if found else "passed", ("wrapper", "m0"): "passed"})
    theirs = Plain(30.0, frozenset((route, "m0") for route in found))
    lanes = PairRun.of(small_matrix, small_matrix.pairs[0], Options(results=tmp_path))
    monkeypatch.setattr(bench, "run_matrix", lambda *_, **__: ours)
    monkeypatch.setattr(Bench, "_of_both", [])
    monkeypatch.setattr(plain_pytest, "run", lambda *_: theirs)
    environment: Any = None
    [figure] = Bench(lanes, lanes, environment, "uv", print).rival()
    assert (figure.alike, figure.holds, figure.value) == (alike, alike, 30.0)


def test_what_failed_is_read_from_what_pytest_says() -> None:
    said = """.F.E
FAILED tests/plain/test_timm_in_transformers.py::test_tower[convnext_atto] - ...
ERROR tests/plain/test_timm_in_transformers.py::test_backbone[cait_xxs24_224]
1 failed, 2 passed, 1 error in 8.22s
"""
    assert failures(said) == {("tower", "convnext_atto"), ("backbone", "cait_xxs24_224")}


def test_an_environment_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    with pytest.raises(InstallationError, match=r"^no virtual environment could be made; see above$"):
        plain_pytest.run(lambda _: False, tmp_path, {}, ["m0"])
