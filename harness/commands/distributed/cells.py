"""What a run hands to a worker at a time: cells, each a part of one pair's lane."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import Final

from ...config.lane import Lane
from ...config.options import as_words
from ...contract.catalog import Catalog
from ...execution import placeholders
from ...execution.pair_run import PairRun
from ...planning.device import NO_CUDA
from ...report import reproduction
from ...results.pair_records import PairRecords
from ..run import MatrixCommand

CASES: Final = 200
"""In a cell on average at most: it starts an environment, and what it has done is lost with it."""
EACH: Final = 2  # cells for a worker at least, so that none waits long for the last
MATRIX: Final = Path("matrix.yaml")


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
                _note_not_run(pair_run, lane, catalog)


def _note_not_run(pair_run: PairRun, lane: Lane, catalog: Catalog) -> None:
    """Record every planned case without a record as not run."""
    known = pair_run.records.recorded(lane, catalog).records
    cases = [case for case in pair_run.records.planned(lane, catalog) if case.id not in known]
    if cases:
        plan = pair_run.plan(lane, catalog, cases)
        placeholders.note_not_run(pair_run.records.path(lane), plan, {case.id: NO_CUDA for case in cases})


def _parts(pair_run: PairRun, lane: Lane, catalog: Catalog, at_least: int) -> Iterator[Cell]:
    planned, pending = pair_run.records.planned(lane, catalog), {case.id for case in pair_run.pending(lane, catalog)}
    of = min(len({case.model for case in planned}), max(at_least, ceil(len(planned) / CASES)))
    for part in range(1, of + 1):
        options = replace(pair_run.options, lanes=(lane.name,), part=(part, of) if of > 1 else None)
        records = replace(pair_run.records, options=options)
        wanted = [case for case in records.planned(lane, catalog) if case.id in pending]
        if wanted:
            needs = pair_run.needs(lane, catalog).by_model(wanted)
            yield Cell(
                f"{pair_run.pair.id} {lane.name}{f' {part}/{of}' if of > 1 else ''}",
                frozenset(case.id for case in wanted),
                _words(records),
                options.matrix.read_text(),
                gpu=lane.device == "cuda",
                memory=max((memory for memory, _ in needs.values()), default=0.0),
            )


def _words(records: PairRecords) -> tuple[str, ...]:
    options = records.options
    running = reproduction.running(records.pair, records.matrix, MATRIX)
    workers = ["--workers", str(options.workers)] if options.workers else []
    return (*running[1:], *as_words(replace(options, pairs=())), "--resolve", options.resolve, *workers)
