"""Where the records of a lane lie, and which of them count.

For each case the last line whose run is current counts. A run is current when its header equals what holds now.
"""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from ..contract import record
from ..config.errors import BadInput

Record = Mapping[str, Any]

ENVIRONMENT: Final = "environment"
"""What an `end` line says has `failed` where the pair could not be installed."""
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


def load(results: Path, pair: str, lane: str, current: Mapping[str, Any]) -> Recorded:
    """Reads what counts of a lane; a lane without a file has no records. Raises BadInput for a file that is none."""
    path = path_in(results, pair, lane)
    try:
        runs = record.read(path) if path.is_file() else []
    except (OSError, ValueError) as error:
        raise BadInput(f"{error}; move that file away, or name another folder with --results") from error
    return Recorded(pair, lane, collect(runs, current), unmade(runs, current), tuple(runs))


def is_current(run: record.Run, current: Mapping[str, Any]) -> bool:
    """Whether the header has these values."""
    return all(run.header.get(name) == value for name, value in current.items())


def collect(runs: Sequence[record.Run], current: Mapping[str, Any]) -> dict[str, Record]:
    """For each case the last line whose run is current, by case id.

    A run whose environment could not be made withdraws the cases it set out to do: they are wanted again and have no
    result, so an older one must not stand for them.
    """
    found: dict[str, Record] = {}
    for run in runs:
        if not is_current(run, current):
            continue
        if _failure(run) is not None:
            for case in run.planned:
                found.pop(case, None)
        found.update(run.cases)
    return found


def unmade(runs: Sequence[record.Run], current: Mapping[str, Any]) -> str | None:
    """Why the environment of the last current run could not be made; None where it could, or there is no run."""
    last = [run for run in runs if is_current(run, current)][-1:]
    return _failure(last[0]) if last else None


def _failure(run: record.Run) -> str | None:
    if run.end is None or run.end.get("failed") is None:
        return None
    return str(run.end.get("reason") or "the environment could not be made")
