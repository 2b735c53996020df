"""What the bench says of what it measured."""

from pathlib import Path

import pytest

from harness import bench
from harness.bench import Figure
from harness.catalog import Catalog
from harness.lanes import Lanes
from harness.matrix import Matrix
from harness.selection import Options

pytestmark = pytest.mark.usefixtures("packaged", "gpus")


@pytest.mark.parametrize(
    ("figure", "line"),
    [
        (
            Figure("a", "cost", [1.3, 1.0, 1.1], most=1.15),
            "| a | cost | 1.10 times | 1.00 to 1.30 | at most 1.15 | ✔ |",
        ),
        (Figure("a", "cost", [1.2], most=1.15), "| a | cost | 1.20 times | 1.20 to 1.20 | at most 1.15 | ✘ |"),
        (Figure("b", "two", [1.7, 1.8, 1.9], least=1.8), "| b | two | 1.80 times | 1.70 to 1.90 | at least 1.8 | ✔ |"),
        (Figure("d", "idle", [6.0], most=5, unit="s"), "| d | idle | 6.00 s | 6.00 to 6.00 | at most 5 | ✘ |"),
    ],
    ids=["reached", "too much", "just enough", "seconds"],
)
def test_a_figure_is_a_median_held_against_its_target(figure: Figure, line: str) -> None:
    assert figure.line == line
    assert figure.line.count("|") == bench.HEAD[0].count("|")


def test_made_up_records_are_of_every_case_that_a_run_would_have(
    small_matrix: Matrix, small_catalog: Catalog, tmp_path: Path
) -> None:
    count = bench.record_all(small_matrix, tmp_path)
    found = Lanes(small_matrix, small_matrix.pairs[1], Options(results=tmp_path))
    planned = [len(found.planned(lane, small_catalog)) for lane in small_matrix.lanes]
    assert [found.pending(lane, small_catalog) for lane in small_matrix.lanes] == [[]] * len(planned)
    assert count == sum(planned)  # the other pair's timm has no catalog
