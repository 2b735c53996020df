"""Hands a run to the workers of a Dask scheduler, a cell at a time: a part of a pair's models in one lane.

    python -m harness.cluster matrix --on HOST:PORT ...

Run by nox in an environment that has Dask, as is each worker: `nox -s worker -- HOST:PORT`.
"""

import fcntl
import hashlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import count
from math import ceil
from pathlib import Path
from typing import IO, Any, Final

from distributed import Client, as_completed

from harness import plan, record, results, scratch
from harness.catalog import Catalog
from harness.errors import BadInput, HarnessError
from harness.lanes import ROOT, Lanes
from harness.matrix import Lane
from harness.report import reproduction
from harness.selection import given
from harness.session import Campaign
from harness.words import number

CASES: Final = 200
"""In a cell at most, unless they are of one model: it starts an environment, and what it has done is lost with it."""
EACH: Final = 2  # cells for a worker at least, so that none waits long for the last
ANSWER: Final = 10.0  # seconds for a scheduler to answer in
WAIT: Final = 60.0  # seconds until it is said again that there is no worker
PACKAGE: Final = ROOT / "harness"
MATRIX: Final = Path("matrix.yaml")
RECORDS: Final = ".jsonl"
KEPT: Final = frozenset({RECORDS, ".ndjson"})
DEPTH: Final = 2  # <pair id>/<lane>.jsonl, catalogs/timm-<version>.ndjson
GPU: Final = "GPU"
MEMORY: Final = "MEMORY"  # GiB
DYING: Final = (
    "import sys; from harness.processes import die_with; die_with(int(sys.argv.pop(1)));"
    "from nox.__main__ import main; sys.exit(main())"
)
"""nox, which ends with the process that started it."""


@dataclass(frozen=True)
class Cell:
    """What one worker does at a time. `matrix` is the text of matrix.yaml, `code` the digest of the package."""

    name: str
    words: tuple[str, ...]
    matrix: str
    code: str
    gpu: bool = False
    memory: float = 0.0


class OtherCode(Exception):
    """A worker's checkout is another one, whose records would not count."""


def cells(campaign: Campaign, workers: int, *, gpus: bool) -> Iterator[Cell]:
    """What is pending, in the order of the pairs. A lane whose device no worker has is left out."""
    for lanes in campaign.lanes:
        catalog = lanes.catalog()
        if catalog is None:  # one worker makes it, and runs all
            yield _cell(lanes, lanes.pair.id, lanes)
            continue
        for lane in plan.lanes(lanes.matrix, lanes.options):
            if lane.device == "cpu" or gpus:
                yield from _parts(lanes, lane, catalog, ceil(EACH * workers / len(campaign.lanes)))


def _parts(lanes: Lanes, lane: Lane, catalog: Catalog, at_least: int) -> Iterator[Cell]:
    planned, pending = lanes.planned(lane, catalog), {case.id for case in lanes.pending(lane, catalog)}
    models = len({case.model for case in planned})
    of = min(models, max(at_least, ceil(len(planned) / CASES)))
    for part in range(1, of + 1):
        options = replace(lanes.options, lanes=(lane.name,), part=(part, of) if of > 1 else None)
        asked = replace(lanes, options=options)
        here = asked.planned(lane, catalog)
        if any(case.id in pending for case in here):
            needs = lanes.needs(lane, catalog).by_model(here)
            share = f" {part}/{of}" if of > 1 else ""
            yield replace(
                _cell(lanes, f"{lanes.pair.id} {lane.name}{share}", asked),
                gpu=lane.device == "cuda",
                memory=max((memory for memory, _ in needs.values()), default=0.0),
            )


def _cell(lanes: Lanes, name: str, asked: Lanes) -> Cell:
    options = asked.options
    running = reproduction.running(lanes.pair, lanes.matrix, MATRIX)
    workers = ["--workers", str(options.workers)] if options.workers else []
    words = [*running[1:], *given(replace(options, pairs=())), "--resolve", options.resolve, *workers]
    return Cell(name, tuple(words), options.matrix.read_text(), code())


def code() -> str:
    """Names what would run a cell: the package as it is here."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def work(cell: Cell) -> Mapping[str, str]:
    """Run a cell on a worker; what is in its results folder then, text by path. Raises OtherCode."""
    if code() != cell.code:
        raise OtherCode(f"{socket.gethostname()}:{ROOT} is another version of this project; update it")
    with scratch.folder("cell") as folder, _environments() as environments:
        matrix, into = folder / MATRIX, folder / "results"
        matrix.write_text(cell.matrix)
        there = ["--matrix", str(matrix), "--results", str(into)]
        place = ["--envdir", str(environments), "--noxfile", str(ROOT / "noxfile.py")]
        subprocess.run(  # noqa: S603 - the cell's own words
            [sys.executable, "-c", DYING, str(os.getpid()), *place, *cell.words, *there],
            cwd=folder,
            env={**os.environ, "NOX_SCRIPT_MODE": "none", "PYTHONPATH": str(ROOT)},
            check=False,  # what it has recorded says how it ended
        )
        files = (path for path in into.rglob("*") if path.suffix in KEPT)
        return {path.relative_to(into).as_posix(): path.read_text() for path in files}


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


def hand_out(campaign: Campaign, say: Callable[[str], None]) -> None:
    """Have the workers run all that is pending, and take in what they record as it arrives. Raises BadInput."""
    address = str(campaign.options.on)
    try:
        client = Client(address, timeout=ANSWER)
    except (OSError, TimeoutError) as error:
        raise BadInput(
            f"--on {address}: no Dask scheduler answers there: {error}; start one: dask scheduler"
        ) from error
    with client:
        offered = _offered(client, say)
        gpus = any(GPU in resources for resources in offered)
        _refuse_missing(campaign, gpus=gpus)
        handed = list(cells(campaign, len(offered), gpus=gpus))
        say(f"{number(len(handed), 'cell')} for {number(len(offered), 'worker')} of {address}")
        most = max((resources.get(MEMORY, 0.0) for resources in offered), default=0.0)
        futures = {
            client.submit(work, cell, key=f"{cell.name} {time.time_ns()}", resources=_resources(cell, most)): cell
            for cell in handed
        }
        _take_in(futures, campaign.options.results, say)


def _offered(client: Client, say: Callable[[str], None]) -> Sequence[Mapping[str, float]]:
    """What each worker has, once there is one."""
    while not (workers := client.scheduler_info(n_workers=-1)["workers"]):
        say("there is no worker yet; start one: nox -s worker -- HOST:PORT")
        with suppress(TimeoutError):
            client.wait_for_workers(1, timeout=WAIT)
    return [worker["resources"] for worker in workers.values()]


def _resources(cell: Cell, most: float) -> Mapping[str, float]:
    """What a cell asks for. It would wait for ever for memory that no worker has; which gets it, says what it lacks."""
    memory = {MEMORY: min(cell.memory, most)} if cell.memory and most else {}
    return {**memory, **({GPU: 1} if cell.gpu else {})}


def _refuse_missing(campaign: Campaign, *, gpus: bool) -> None:
    problems = [
        f"--lane {name}: no worker has a {GPU}; leave the option out"
        for name in campaign.options.lanes
        if not name.startswith("cpu") and not gpus
    ]
    if problems:
        raise BadInput.from_problems(problems)


def _take_in(futures: Mapping[Any, Cell], into: Path, say: Callable[[str], None]) -> None:
    """Append what a cell recorded, as soon as it has."""
    started = time.monotonic()
    for done, future in enumerate(as_completed(futures), 1):
        cell = futures[future]
        try:
            add(future.result(), into)
            said = "done"
        except Exception as error:  # noqa: BLE001  whatever a worker raises; its cases stay without a record
            said = f"failed: {error}"
        left = (time.monotonic() - started) / done * (len(futures) - done)
        say(f"{done}/{len(futures)} {cell.name}: {said}; {left / 60:.0f} min left")


def add(files: Mapping[str, str], into: Path) -> None:
    """Append the runs in a cell's files to the records in a folder; a catalog that was made is put beside them."""
    for name, text in files.items():
        where = Path(name)
        if len(where.parts) != DEPTH or where.is_absolute() or ".." in where.parts:
            raise ValueError(f"{name}: is no place for records or a catalog")
        target = into / where
        results.refuse_links([into, target.parent, target])
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.suffix == RECORDS:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / target.name
                path.write_text(text)
                runs = record.texts(path)
            with record.Log(target) as log:
                log.copy(runs)
        elif not target.exists():
            target.write_text(text)


def main(argv: Sequence[str]) -> int:
    """The exit code: 0, or that of an error; what the records come to is judged elsewhere."""
    session, *options = argv
    try:
        hand_out(Campaign.of(options, session), say=lambda text: print(text, file=sys.stderr, flush=True))  # noqa: T201
    except HarnessError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
