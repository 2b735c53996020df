"""Hands a run to the workers of a Dask scheduler, a cell at a time: a part of a pair's models in one lane.

Run by nox in an environment that has Dask, as is each worker: `nox -s worker -- HOST:PORT`. The scheduler has nothing
of this project: what goes through it are plain values, and one function that looks into its worker's own checkout.
"""

import fcntl
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from itertools import count
from math import ceil
from pathlib import Path
from typing import IO, Any, Final

from distributed import Client, as_completed

from ...config.errors import BadInput, HarnessError
from ...config.matrix import Lane
from ...config.options import given
from ...config.text import number
from ...contract import record
from ...contract.catalog import Catalog
from ...contract.package import ROOT
from ...execution import tempdirs
from ...execution.pair_run import PairRun
from ...planning.device import NO_CUDA
from ...report import reproduction
from ...results import store
from ...results.pair_records import PairRecords
from ..run import MatrixCommand
from . import import_results, worker_resources
from .worker_resources import GPU, MEMORY

CASES: Final = 200
"""In a cell on average at most: it starts an environment, and what it has done is lost with it."""
EACH: Final = 2  # cells for a worker at least, so that none waits long for the last
ANSWER: Final = 10.0  # seconds for a scheduler to answer in
WAIT: Final = 60.0  # seconds until it is said again that there is no worker
MATRIX: Final = Path("matrix.yaml")
KEPT: Final = frozenset({".jsonl", ".ndjson"})
DYING: Final = (
    "import sys; from harness.processes import die_with; die_with(int(sys.argv.pop(1)));"
    "from nox.__main__ import main; sys.exit(main())"
)
"""nox, which ends with the process that started it."""


@dataclass(frozen=True)
class Cell:
    """What one worker does at a time: `words` for nox, with the text of matrix.yaml, for the sake of `cases`."""

    name: str
    cases: frozenset[str]
    words: tuple[str, ...]
    matrix: str
    gpu: bool = False
    memory: float = 0.0


@dataclass(frozen=True)
class Ended:
    """What is in the results folder when a cell has ended, text by path, and the last that nox said."""

    files: Mapping[str, str]
    said: str


def cells(matrix_command: MatrixCommand, workers: int, *, gpus: bool) -> Iterator[Cell]:
    """What is pending, in the order of the pairs. A lane whose device no worker has is recorded as not run."""
    for here in matrix_command.pair_runs:
        pair_run = replace(here, elsewhere=True)
        catalog = pair_run.records.catalog()
        if catalog is None:  # why it could not be made is recorded
            continue
        for lane in pair_run.records.lanes:
            if lane.device == "cpu" or gpus:
                yield from _parts(pair_run, lane, catalog, ceil(EACH * workers / len(matrix_command.pair_runs)))
            else:
                pair_run.note_not_run(lane, catalog, NO_CUDA)


def _parts(pair_run: PairRun, lane: Lane, catalog: Catalog, at_least: int) -> Iterator[Cell]:
    planned, pending = pair_run.records.planned(lane, catalog), {case.id for case in pair_run.pending(lane, catalog)}
    of = min(len({case.model for case in planned}), max(at_least, ceil(len(planned) / CASES)))
    for part in range(1, of + 1):
        options = replace(pair_run.options, lanes=(lane.name,), part=(part, of) if of > 1 else None)
        asked = replace(pair_run.records, options=options)
        wanted = [case for case in asked.planned(lane, catalog) if case.id in pending]
        if wanted:
            needs = pair_run.needs(lane, catalog).by_model(wanted)
            yield Cell(
                f"{pair_run.pair.id} {lane.name}{f' {part}/{of}' if of > 1 else ''}",
                frozenset(case.id for case in wanted),
                _words(asked),
                options.matrix.read_text(),
                gpu=lane.device == "cuda",
                memory=max((memory for memory, _ in needs.values()), default=0.0),
            )


def _words(asked: PairRecords) -> tuple[str, ...]:
    options = asked.options
    running = reproduction.running(asked.pair, asked.matrix, MATRIX)
    workers = ["--workers", str(options.workers)] if options.workers else []
    return (*running[1:], *given(replace(options, pairs=())), "--resolve", options.resolve, *workers)


def work(cell: Cell) -> Ended:
    """Run a cell on a worker."""
    with tempdirs.folder("cell") as folder, _environments() as environments, tempfile.TemporaryFile("w+") as said:
        matrix, into = folder / MATRIX, folder / "results"
        matrix.write_text(cell.matrix)
        place = ["--envdir", str(environments), "--noxfile", str(ROOT / "noxfile.py")]
        there = ["--matrix", str(matrix), "--results", str(into)]
        subprocess.run(  # noqa: S603 - the cell's own words
            [sys.executable, "-c", DYING, str(os.getpid()), *place, *cell.words, *there],
            cwd=folder,
            env={**os.environ, "NOX_SCRIPT_MODE": "none", "NO_COLOR": "1", "PYTHONPATH": str(ROOT)},
            stdout=said,
            stderr=subprocess.STDOUT,
            check=False,  # what it has recorded says how it ended
        )
        said.seek(0)
        lines = [line.strip() for line in said if line.strip()]
        files = (path for path in into.rglob("*") if path.suffix in KEPT)
        return Ended({path.relative_to(into).as_posix(): path.read_text() for path in files}, (lines or [""])[-1])


def _sent(cell: dict[str, Any]) -> dict[str, Any]:
    """What travels to a worker, which imports the rest."""
    from dataclasses import asdict  # noqa: PLC0415  it travels alone

    from .dask import Cell, work  # noqa: PLC0415  as above

    return asdict(work(Cell(**cell)))


_sent.__module__ = "__main__"  # so that it is pickled by value: a scheduler could not import it


@contextmanager
def _environments() -> Iterator[Path]:
    """A folder of environments that no other worker of this checkout uses, and that stays for the next cell."""
    for place in count():
        folder = ROOT / ".nox" / f"cell-{place}"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".taken").open("w") as taken:
            if _locked(taken):
                yield folder
                return


def _locked(file: IO[str]) -> bool:
    """Whether the file is ours from here on, until it is closed."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def hand_out(matrix_command: MatrixCommand, say: Callable[[str], None]) -> None:
    """Have the workers run all that is pending, and take in what they record as it arrives. Raises BadInput."""
    address = str(matrix_command.arguments.on)
    try:
        client = Client(address, timeout=ANSWER)
    except (OSError, TimeoutError) as error:
        raise BadInput(
            f"--on {address}: no Dask scheduler answers there: {error}; start one: dask scheduler"
        ) from error
    with client:
        offered = _offered(client, say)
        gpus = any(GPU in resources for resources in offered)
        _refuse_missing(matrix_command, gpus=gpus)
        handed = list(cells(matrix_command, len(offered), gpus=gpus))
        say(f"{number(len(handed), 'cell')} for {number(len(offered), 'worker')} of {address}")
        futures = {
            client.submit(
                _sent, asdict(cell), key=f"{cell.name} {time.time_ns()}", resources=_resources(cell, offered)
            ): cell
            for cell in handed
        }
        try:
            _take_in(futures, matrix_command.options.results, say)
        except BaseException:
            client.cancel(list(futures))  # what nobody has begun; a worker ends the cell that it is at
            raise


def _offered(client: Client, say: Callable[[str], None]) -> Sequence[Mapping[str, float]]:
    """What each worker of this code has, once there is one."""
    told: set[str] = set()
    while True:
        workers = client.scheduler_info(n_workers=-1)["workers"]
        ours = {name: worker for name, worker in workers.items() if worker_resources.code() in worker["resources"]}
        for name in workers.keys() - ours.keys() - told:
            say(f"{name} is not used: it is of another version, or was not started by nox -s worker")
            told.add(name)
        if ours:
            return [worker["resources"] for worker in ours.values()]
        say("waiting for a worker; start one in a checkout of this version: nox -s worker -- HOST:PORT")
        with suppress(TimeoutError):
            client.wait_for_workers(len(workers) + 1, timeout=WAIT)


def _resources(cell: Cell, offered: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
    """What a cell asks for. It would wait for ever for memory that no worker has; which gets it, says what it lacks."""
    fit = [resources for resources in offered if not cell.gpu or GPU in resources]
    most = max((resources.get(MEMORY, 0.0) for resources in fit), default=0.0)
    memory = {MEMORY: min(cell.memory, most)} if cell.memory and most else {}
    return {worker_resources.code(): 1, **memory, **({GPU: 1} if cell.gpu else {})}


def _refuse_missing(matrix_command: MatrixCommand, *, gpus: bool) -> None:
    problems = [
        f"--lane {name}: no worker has a {GPU}; leave the option out"
        for name in matrix_command.options.lanes
        if not name.startswith("cpu") and not gpus
    ]
    problems += [
        f"--on: the workers have not got {one.where}; name an address, or a release"
        for pair_run in matrix_command.pair_runs
        for one in pair_run.pair.sources
        if one.is_wheel
    ]
    if problems:
        raise BadInput.from_problems(problems)


def _take_in(futures: Mapping[Any, Cell], into: Path, say: Callable[[str], None]) -> None:
    """Append what a cell recorded, as soon as it has."""
    started = time.monotonic()
    for done, future in enumerate(as_completed(futures), 1):
        cell = futures[future]
        try:
            ended = Ended(**future.result())
            said = _missing(cell, add(ended.files, into), ended.said)
        except HarnessError:
            raise
        except Exception as error:  # noqa: BLE001  whatever a worker raises; its cases stay without a record
            said = f"failed: {error}"
        left = (time.monotonic() - started) / done * (len(futures) - done)
        say(f"{done}/{len(futures)} {cell.name}: {said}; {left / 60:.0f} min left")


def _missing(cell: Cell, recorded: frozenset[str], last: str) -> str:
    left = cell.cases - recorded
    return f"failed: {number(len(left), 'case')} without a record; the last that it said: {last}" if left else "done"


def add(files: Mapping[str, str], into: Path) -> frozenset[str]:
    """Append the runs in a cell's files to the records in a folder, and catalogs; the cases that they are of.

    Nothing is written where one of the files is none of a results folder. Raises BadInput.
    """
    with tempfile.TemporaryDirectory() as draft:
        folder = Path(draft)
        for name, text in files.items():
            where = Path(name)
            if where.is_absolute() or ".." in where.parts or where.suffix not in KEPT:
                raise ValueError(f"{name}: is no file of a results folder")
            (folder / where).parent.mkdir(parents=True, exist_ok=True)
            (folder / where).write_text(text)
        found = import_results.files(folder) if files else []
        for path in found:
            target = into / path.relative_to(folder)
            store.refuse_links([into, target.parent, target])
            with record.Log(target) as log:
                log.copy(record.texts(path))
        import_results.add_catalogs(folder, into)
        return frozenset(case for path in found for run in record.read(path) for case in run.cases)


def main(argv: Sequence[str]) -> int:
    """The exit code: 0, or that of an error; what the records come to is judged elsewhere."""
    session, *options = argv
    try:
        hand_out(MatrixCommand.of(options, session), say=lambda text: print(text, file=sys.stderr, flush=True))  # noqa: T201
    except HarnessError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0
