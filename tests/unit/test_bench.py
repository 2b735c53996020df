"""What the bench says of what it measured."""

from pathlib import Path

import pytest

from harness import bench
from harness.bench import named, sample
from harness.catalog import Catalog
from harness.errors import BadInput
from harness.figure import HEAD, Figure
from harness.lanes import Lanes
from harness.matrix import Matrix
from harness.plain import failures
from harness.selection import Options

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
    count = bench.record_all(small_matrix, tmp_path)
    found = Lanes(small_matrix, small_matrix.pairs[1], Options(results=tmp_path))
    planned = [len(found.planned(lane, small_catalog)) for lane in small_matrix.lanes]
    assert [found.pending(lane, small_catalog) for lane in small_matrix.lanes] == [[]] * len(planned)
    assert count == sum(planned)  # the other pair's timm has no catalog


def test_a_command_line_names_figures_or_means_all() -> None:
    assert named([]) == list("abcdefg")
    assert named(["f", "a"]) == ["f", "a"]
    with pytest.raises(BadInput, match=r"^nox -s bench has no --fast, x; there are a, b, c, d, e, f, g$"):
        named(["x", "a", "--fast"])


def test_a_sample_is_even_by_size_and_has_no_control(small_catalog: Catalog) -> None:
    models = [entry.model for entry in sorted(small_catalog, key=lambda entry: entry.params) if entry.layer_scale]
    assert sample(small_catalog, len(models)) == models
    assert sample(small_catalog, 1) == [models[len(models) // 2]]


def test_what_failed_is_read_from_what_pytest_says() -> None:
    said = """.F.E
FAILED tests/plain/test_timm_in_transformers.py::test_tower[convnext_atto] - ...
ERROR tests/plain/test_timm_in_transformers.py::test_backbone[cait_xxs24_224]
1 failed, 2 passed, 1 error in 8.22s
"""
    assert failures(said) == {("tower", "convnext_atto"), ("backbone", "cait_xxs24_224")}
