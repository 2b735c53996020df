"""Hands a run to the workers of a Dask scheduler, a cell at a time: a part of a pair's models in one lane.

Run by nox in an environment that has Dask, as is each worker: `nox -s worker -- HOST:PORT`. The scheduler has nothing
of this project: what goes through it are plain values, and one function that looks into its worker's own checkout.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from distributed import Client, as_completed

from ...config.errors import BadInput, CannotRecord, HarnessError
from ...config.text import number
from ...contract import package, record, tempdirs
from ...contract.finding import printable
from ...contract.package import ROOT
from ...results import run_text, store
from ..run import MatrixCommand
from . import import_results, worker_resources
from .cells import MATRIX, Cell, Ended, cells
from .worker_resources import GPU, MEMORY

ANSWER: Final = 10.0  # seconds for a scheduler to answer in
WAIT: Final = 60.0  # seconds until it is said again that there is no worker
KEPT: Final = frozenset({".jsonl", ".ndjson"})
DYING: Final = (
    f"import sys; from {package.module('contract.processes')} import die_with; die_with(int(sys.argv.pop(1)));"
    "from nox.__main__ import main; sys.exit(main())"
)
"""nox, which ends with the process that started it."""


def work(cell: Cell) -> Ended:
    """Run a cell on a worker."""
    with tempdirs.folder("cell") as folder, tempfile.TemporaryFile("w+") as said:
        matrix, into = folder / MATRIX, folder / "results"
        matrix.write_text(cell.matrix)
        place = ["--envdir", str(ROOT / ".nox"), "--noxfile", str(ROOT / "noxfile.py")]
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


def _sent(module: str, cell: dict[str, Any]) -> dict[str, Any]:
    """What travels to a worker, which imports the module: this one, by the name that it has here."""
    from dataclasses import asdict  # noqa: PLC0415  it travels alone
    from importlib import import_module  # noqa: PLC0415  as above

    dask = import_module(module)
    return asdict(dask.work(dask.Cell(**cell)))


_sent.__module__ = "__main__"  # so that it is pickled by value: a scheduler could not import it


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
                _sent, __name__, asdict(cell), key=f"{cell.name} {time.time_ns()}", resources=_resources(cell, offered)
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
    announced: set[str] = set()
    while True:
        workers = client.scheduler_info(n_workers=-1)["workers"]
        ours = {name: worker for name, worker in workers.items() if worker_resources.code() in worker["resources"]}
        for name in workers.keys() - ours.keys() - announced:
            say(f"{name} is not used: it is of another version, or was not started by nox -s worker")
            announced.add(name)
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
        except CannotRecord:
            raise
        except Exception as error:  # noqa: BLE001  whatever a worker raises; its cases stay without a record
            said = f"failed: {error}"
        left = (time.monotonic() - started) / done * (len(futures) - done)
        say(f"{done}/{len(futures)} {cell.name}: {printable(said)}; {left / 60:.0f} min left")


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
        paths = import_results.files(folder) if files else []
        import_results.refuse_bad_catalogs(folder, into)
        for path in paths:
            target = into / path.relative_to(folder)
            store.refuse_strange([target], [into, *import_results.above(target, into)])
            run_text.adopt(target, run_text.read(path))
        import_results.add_catalogs(folder, into)
        return frozenset(case for path in paths for run in record.read(path) for case in run.cases)


def main(argv: Sequence[str]) -> int:
    """The exit code: 0, or that of an error; what the records come to is judged elsewhere."""
    session, *options = argv
    try:
        hand_out(MatrixCommand.of(options, session), say=lambda text: print(text, file=sys.stderr, flush=True))  # noqa: T201
    except HarnessError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0
