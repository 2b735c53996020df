"""What is handed to a cluster, and what is taken in from it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness import cluster, record
from harness.catalog import Catalog
from harness.cluster import Cell
from harness.errors import BadInput
from harness.lanes import Lanes
from harness.matrix import Matrix
from harness.selection import Options
from harness.session import Campaign
from tests.unit.fake_environment import FakeEnvironment

pytestmark = pytest.mark.usefixtures("packaged", "gpus")
PAIR = "transformers5.23.0-timm1.0.31"


@pytest.fixture
def campaign(small_matrix: Matrix, tmp_path: Path) -> Callable[..., Campaign]:
    """Of both pairs, with a file where the matrix is."""
    (tmp_path / "matrix.yaml").write_text("as it is here")

    def made(**options: Any) -> Campaign:
        given = Options(matrix=tmp_path / "matrix.yaml", on="h:1", **options)
        return Campaign(small_matrix, tuple(Lanes(small_matrix, pair, given) for pair in small_matrix.pairs), given)

    return made


def handed(campaign: Campaign, workers: int = 1, *, gpus: bool = False) -> list[Cell]:
    return list(cluster.cells(campaign, workers, gpus=gpus))


def test_each_pair_has_cells_for_all_workers_and_together_they_are_all_cases(
    campaign: Callable[..., Campaign], small_catalog: Catalog
) -> None:
    found = handed(campaign(), workers=2)
    assert [cell.name for cell in found][-2:] == [f"{PAIR} cpu-float32 1/2", f"{PAIR} cpu-float32 2/2"]
    assert found[-1].words == (
        *("-s", "matrix", "--", "--pair", PAIR, "--lane", "cpu-float32", "--part", "2/2", "--resolve", "locked"),
    )
    assert found[-1].matrix == "as it is here"
    assert small_catalog is not None


def test_no_cell_has_a_part_that_is_empty(campaign: Callable[..., Campaign]) -> None:
    found = handed(campaign(models=("convnext_atto",)), workers=50)
    assert [cell.name for cell in found if PAIR in cell.name] == [f"{PAIR} cpu-float32"]


def test_what_is_recorded_is_not_handed_out_again(campaign: Callable[..., Campaign], small_catalog: Catalog) -> None:
    made = campaign(lanes=("cpu-float32",))
    made.lanes[1].run(small_catalog, FakeEnvironment(), lambda _: None)
    assert [cell.name for cell in handed(made) if PAIR in cell.name] == []


@pytest.mark.parametrize(("gpus", "asked"), [(False, set()), (True, {True})])
def test_a_lane_on_a_gpu_is_for_workers_that_have_one(
    campaign: Callable[..., Campaign], *, gpus: bool, asked: set[bool]
) -> None:
    found = handed(campaign(), gpus=gpus)
    assert {cell.gpu for cell in found if "cuda" in cell.name} == asked
    assert {cell.gpu for cell in found if "cpu" in cell.name} == {False}


def test_a_full_size_cell_asks_for_the_memory_that_it_needs(campaign: Callable[..., Campaign]) -> None:
    [cell] = [one for one in handed(campaign(models=("convnext_atto",), sizes=("full",))) if PAIR in one.name]
    assert cell.memory >= 1
    assert cluster._resources(cell, 64) == {"MEMORY": cell.memory}
    assert cluster._resources(cell, 0.5) == {"MEMORY": 0.5}  # who gets it says what it lacks
    assert cluster._resources(cell, 0) == {}


def test_what_comes_back_is_appended(campaign: Callable[..., Campaign], small_catalog: Catalog, tmp_path: Path) -> None:
    made = campaign(lanes=("cpu-float32",), results=tmp_path / "there")
    made.lanes[1].run(small_catalog, FakeEnvironment(), lambda _: None)
    name = f"{PAIR}/cpu-float32.jsonl"
    text = (tmp_path / "there" / name).read_text()
    for _ in range(2):
        cluster.add({name: text, "catalogs/timm-1.0.31.ndjson": "a catalog"}, tmp_path)
    runs = record.read(tmp_path / name)
    assert [len(run.cases) for run in runs] == [len(runs[0].cases)] * 2
    assert (tmp_path / "catalogs" / "timm-1.0.31.ndjson").read_text() == "a catalog"


def test_a_results_folder_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / PAIR).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="is a link to"):
        cluster.add({f"{PAIR}/cpu-float32.jsonl": ""}, tmp_path)


@pytest.mark.parametrize("name", ["../outside.jsonl", "/outside/a.jsonl", "a/b/c.jsonl"])
def test_a_worker_writes_nowhere_else(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="is no place for records"):
        cluster.add({name: ""}, tmp_path)


def test_a_worker_of_another_version_does_nothing() -> None:
    with pytest.raises(cluster.OtherCode, match="is another version of this project; update it"):
        cluster.work(Cell("a cell", ("-s", "matrix"), "", "another"))


class Future:
    def __init__(self, result: Any) -> None:
        self.made = result

    def result(self) -> Any:
        if isinstance(self.made, Exception):
            raise self.made
        return self.made


def test_a_cell_that_fails_is_told_and_the_others_are_taken_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def completed(futures: Any) -> Iterator[Any]:
        return iter(futures)

    monkeypatch.setattr(cluster, "as_completed", completed)
    said: list[str] = []
    cells = {Future(RuntimeError("three workers died")): "one", Future({"catalogs/a.ndjson": "x"}): "two"}
    futures = {future: Cell(name, (), "", "") for future, name in cells.items()}
    cluster._take_in(futures, tmp_path, said.append)
    assert said == ["1/2 one: failed: three workers died; 0 min left", "2/2 two: done; 0 min left"]
    assert (tmp_path / "catalogs" / "a.ndjson").is_file()
