"""What is handed to a cluster, and what is taken in from it."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from harness.commands.distributed import dask, worker_resources
from harness.commands.distributed.cells import Cell, Ended, cells
from harness.commands.run import MatrixCommand
from harness.commands.run_arguments import RunArguments
from harness.config.errors import BadInput
from harness.config.matrix import Matrix
from harness.config.options import Options
from harness.config.pair import Pair
from harness.contract import catalog, record
from harness.contract.catalog import Catalog
from harness.execution.pair_run import PairRun
from tests.fake_environment import FakeEnvironment

pytestmark = pytest.mark.usefixtures("packaged", "gpus")
PAIR = "transformers5.23.0-timm1.0.31"


@pytest.fixture
def matrix_command(small_matrix: Matrix, tmp_path: Path) -> Callable[..., MatrixCommand]:
    """Of both pairs, with a file where the matrix is."""
    (tmp_path / "matrix.yaml").write_text("as it is here")

    def made(**options: Any) -> MatrixCommand:
        given = Options(matrix=tmp_path / "matrix.yaml", **options)
        pair_runs = tuple(PairRun.of(small_matrix, pair, given) for pair in small_matrix.pairs)
        return MatrixCommand(small_matrix, pair_runs, RunArguments(given, on="h:1"))

    return made


def handed(matrix_command: MatrixCommand, workers: int = 1, *, gpus: bool = False) -> list[Cell]:
    return list(cells(matrix_command, workers, gpus=gpus))


def test_each_pair_has_cells_for_all_workers_and_together_they_are_all_cases(
    matrix_command: Callable[..., MatrixCommand], small_catalog: Catalog
) -> None:
    found = handed(matrix_command(), workers=2)
    assert [cell.name for cell in found][-2:] == [f"{PAIR} cpu-float32 1/2", f"{PAIR} cpu-float32 2/2"]
    assert found[-1].words == (
        *("-s", "matrix", "--", "--pair", PAIR, "--lane", "cpu-float32", "--part", "2/2", "--resolve", "locked"),
    )
    assert found[-1].matrix == "as it is here"
    assert small_catalog is not None


def test_no_cell_has_a_part_that_is_empty(matrix_command: Callable[..., MatrixCommand]) -> None:
    found = handed(matrix_command(models=("convnext_atto",)), workers=50)
    assert [cell.name for cell in found if PAIR in cell.name] == [f"{PAIR} cpu-float32"]


def test_what_was_not_run_here_is_handed_to_who_can(
    matrix_command: Callable[..., MatrixCommand], small_catalog: Catalog, gpus: Callable[[int], None]
) -> None:
    gpus(0)
    made = matrix_command()
    made.pair_runs[1].run(small_catalog, FakeEnvironment(), lambda _: None)
    assert [cell.name for cell in handed(made, gpus=True) if PAIR in cell.name] == [f"{PAIR} cuda-float32"]


def test_what_is_recorded_is_not_handed_out_again(
    matrix_command: Callable[..., MatrixCommand], small_catalog: Catalog
) -> None:
    made = matrix_command(lanes=("cpu-float32",))
    made.pair_runs[1].run(small_catalog, FakeEnvironment(), lambda _: None)
    assert [cell.name for cell in handed(made) if PAIR in cell.name] == []


@pytest.mark.parametrize(("gpus", "asked"), [(False, set()), (True, {True})])
def test_a_lane_on_a_gpu_is_for_workers_that_have_one(
    matrix_command: Callable[..., MatrixCommand], *, gpus: bool, asked: set[bool]
) -> None:
    found = handed(matrix_command(), gpus=gpus)
    assert {cell.gpu for cell in found if "cuda" in cell.name} == asked
    records = Path("results", PAIR, "cuda-float32.jsonl")
    told = (
        {line["reason"] for run in record.read(records) for line in run.cases.values()} if records.exists() else set()
    )
    assert told == (set() if gpus else {"no CUDA device"})
    assert {cell.gpu for cell in found if "cpu" in cell.name} == {False}


def test_a_full_size_cell_asks_for_the_memory_that_it_needs(matrix_command: Callable[..., MatrixCommand]) -> None:
    [cell] = [one for one in handed(matrix_command(models=("convnext_atto",), sizes=("full",))) if PAIR in one.name]
    code = {worker_resources.code(): 1}
    assert cell.memory >= 1
    assert dask._resources(cell, [{"MEMORY": 64}]) == {**code, "MEMORY": cell.memory}
    assert dask._resources(cell, [{"MEMORY": 0.5}]) == {**code, "MEMORY": 0.5}  # who gets it says what it lacks
    assert dask._resources(cell, [{}]) == code


def test_a_cell_for_a_gpu_asks_for_no_more_memory_than_a_worker_with_one_has() -> None:
    cell = Cell("a cell", frozenset(), (), "", gpu=True, memory=100)
    asked = dask._resources(cell, [{"MEMORY": 256}, {"MEMORY": 16, "GPU": 1}])
    assert asked == {worker_resources.code(): 1, "GPU": 1, "MEMORY": 16}


def test_what_comes_back_is_appended(
    matrix_command: Callable[..., MatrixCommand], small_catalog: Catalog, tmp_path: Path
) -> None:
    made = matrix_command(lanes=("cpu-float32",), results=tmp_path / "there")
    made.pair_runs[1].run(small_catalog, FakeEnvironment(), lambda _: None)
    name = f"{PAIR}/cpu-float32.jsonl"
    text = (tmp_path / "there" / name).read_text()
    for _ in range(2):
        dask.add({name: text, "catalogs/timm-1.0.31.ndjson": catalog.dumps(small_catalog)}, tmp_path)
    runs = record.read(tmp_path / name)
    assert [len(run.cases) for run in runs] == [len(runs[0].cases)] * 2
    assert (tmp_path / "catalogs" / "timm-1.0.31.ndjson").read_text() == catalog.dumps(small_catalog)


def test_a_results_folder_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / PAIR).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="is a link to"):
        dask.add({f"{PAIR}/cpu-float32.jsonl": ""}, tmp_path)


@pytest.mark.parametrize("name", ["../outside.jsonl", "/outside/a.jsonl", f"{PAIR}/run.sh"])
def test_a_worker_writes_nothing_else(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="is no file of a results folder"):
        dask.add({name: ""}, tmp_path)


def test_a_file_that_is_none_of_records_is_not_appended(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="unknown kind"):
        dask.add({f"{PAIR}/cpu-float32.jsonl": '{"kind": "nonsense"}\n'}, tmp_path)
    assert not list(tmp_path.rglob("*.jsonl"))


class Client:
    """Stands in for a client of Dask's: what its workers have, each time it is asked."""

    def __init__(self, *answers: dict[str, dict[str, float]]) -> None:
        self.answers = list(answers)

    def scheduler_info(self, n_workers: int) -> Any:
        assert n_workers == -1  # all of them
        return {"workers": {name: {"resources": found} for name, found in self.answers.pop(0).items()}}

    def wait_for_workers(self, n_workers: int, timeout: float) -> None:  # noqa: ARG002 - nobody comes meanwhile
        raise TimeoutError


def test_a_worker_of_another_version_is_not_used_and_one_of_this_is_waited_for() -> None:
    said: list[str] = []
    other, ours = {"a": {"CODE-0": 1.0}}, {"b": {worker_resources.code(): 1.0, "MEMORY": 8.0}}
    assert dask._offered(Client(other, {**other, **ours}), said.append) == [{worker_resources.code(): 1, "MEMORY": 8}]
    assert said == [
        "a is not used: it is of another version, or was not started by nox -s worker",
        "waiting for a worker; start one in a checkout of this version: nox -s worker -- HOST:PORT",
    ]


def test_a_lane_that_is_asked_for_and_no_worker_can_run_is_refused(
    matrix_command: Callable[..., MatrixCommand],
) -> None:
    made = matrix_command(lanes=("cuda-float32",))
    with pytest.raises(BadInput, match=r"^--lane cuda-float32: no worker has a GPU; leave the option out$"):
        dask._refuse_missing(made, gpus=False)
    dask._refuse_missing(made, gpus=True)


def test_a_wheel_on_this_disk_is_on_no_worker(matrix_command: Callable[..., MatrixCommand], tmp_path: Path) -> None:
    wheel = tmp_path / "timm-1.0.32.dev0-py3-none-any.whl"
    wheel.touch()
    made = matrix_command()
    pair = Pair.parse_requirements(["transformers==5.23.0", f"timm@{wheel}"], made.described.defaults)
    made.pair_runs = (PairRun.of(made.described, pair, made.options),)
    with pytest.raises(BadInput, match=r"the workers have not got .*whl; name an address, or a release"):
        dask._refuse_missing(made, gpus=False)


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

    monkeypatch.setattr(dask, "as_completed", completed)
    said: list[str] = []
    results = [RuntimeError("three workers died"), asdict(Ended({}, "no such Python")), asdict(Ended({}, ""))]
    cells = [Cell(name, frozenset(cases), (), "") for name, cases in (("one", "x"), ("two", "xy"), ("three", ""))]
    dask._take_in(dict(zip(map(Future, results), cells, strict=True)), tmp_path, said.append)
    assert said == [
        "1/3 one: failed: three workers died; 0 min left",
        "2/3 two: failed: 2 cases without a record; the last that it said: no such Python; 0 min left",
        "3/3 three: done; 0 min left",
    ]
