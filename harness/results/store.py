"""Where the records of a lane lie, and which of them count.

For each case the last record that counts is taken. A record counts while what decides its outcome is the same now:
its run's header, and the digest of its route.
"""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from ..config.errors import BadInput
from ..contract import record

Record = Mapping[str, Any]

ENVIRONMENT: Final = "environment"
"""What an `end` line says has `failed` where the pair could not be installed."""
LOCK_FILE: Final = ".running"
"""The file in a results folder that the run that records there holds locked."""
RUN: Final = "run"
"""What it says where pytest ended before all cases had a line."""


@dataclass(frozen=True)
class Recorded:
    """What counts among the records of one pair's lane. `unmade` says why its environment could not be made.

    `runs` are all that the file holds, whatever they were made with, oldest first.
    """

    pair: str
    lane: str
    records: Mapping[str, Record]
    unmade: str | None = None
    runs: Sequence[record.Run] = ()

    @cached_property
    def headers(self) -> Mapping[str, Mapping[str, Any]]:
        """By case the header of the run that its record is of."""
        return {
            case: run.header for run in self.runs for case, line in run.cases.items() if self.records.get(case) is line
        }


def path_in(results: Path, pair: str, lane: str) -> Path:
    """Where the records of a pair's lane lie in a results folder."""
    return results / pair / f"{lane}.jsonl"


def refuse_links(parts: Iterable[Path]) -> None:
    """A results folder from elsewhere shall lead nobody to read or write what is not in it. Raises BadInput."""
    problems = [
        f"{part}: is a link to {part.readlink()}, and records stay in their folder; take it away"
        for part in dict.fromkeys(parts)
        if part.is_symlink()
    ]
    if problems:
        raise BadInput.from_problems(problems)


def refuse_unwritable(folder: Path, option: str = "--results") -> None:
    """Make the folder. Raises BadInput where that, or writing into it, is not possible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise BadInput(f"{option} {folder}: {error.strerror}; name a folder that can be written") from error


@dataclass(frozen=True)
class Current:
    """What a record must rest on to count: its run's header, and by route the digest in the header's `cell`."""

    header: Mapping[str, Any]
    cell: Mapping[str, str]

    def includes(self, run: record.Run, case: str) -> bool:
        """Whether the run's record of a case counts."""
        route, cell = case.partition("/")[0], run.header.get("cell")
        return self.is_header(run) and isinstance(cell, Mapping) and cell.get(route) == self.cell.get(route, "")

    def is_header(self, run: record.Run) -> bool:
        """Whether the run's header has these values."""
        return all(run.header.get(name) == value for name, value in self.header.items())


def load(results: Path, pair: str, lane: str, current: Current | None) -> Recorded:
    """Reads the records of a lane that count, all of them where `current` is None.

    A lane without a file has no records. Raises BadInput for a file that holds something else.
    """
    path = path_in(results, pair, lane)
    try:
        runs = record.read(path) if path.is_file() else []
    except (OSError, ValueError) as error:
        raise BadInput(f"{error}; move that file away, or name another folder with --results") from error
    return Recorded(pair, lane, collect(runs, current), unmade(runs, current), tuple(runs))


def collect(runs: Sequence[record.Run], current: Current | None) -> dict[str, Record]:
    """For each case the last record that counts, by case id.

    A run whose environment could not be made withdraws the cases it set out to do: they are wanted again and have no
    result, so an older one must not stand for them.
    """
    records: dict[str, Record] = {}
    for run in runs:
        counting = _counting(run, current)
        if _failure(run) is not None:
            for case in counting.intersection(run.planned):
                records.pop(case, None)
        records.update({case: line for case, line in run.cases.items() if case in counting})
    return records


def _counting(run: record.Run, current: Current | None) -> frozenset[str]:
    """The cases of a run whose records count."""
    cases = {*run.planned, *run.cases}
    if current is None:
        return frozenset(cases)
    return frozenset(case for case in cases if current.includes(run, case)) if current.is_header(run) else frozenset()


def unmade(runs: Sequence[record.Run], current: Current | None) -> str | None:
    """Why the environment of the last run that counts could not be made; None where it could, or no run counts."""
    last = [run for run in runs if _counting(run, current)][-1:]
    return _failure(last[0]) if last else None


def _failure(run: record.Run) -> str | None:
    if run.end is None or run.end.get("failed") is None:
        return None
    return str(run.end.get("reason") or "the environment could not be made")
