"""The files of a lane's records, and which records count: of each case the last that is current.

A record is current while everything that decides its outcome is unchanged: its run's header, and its route's digest.
Which of several is the last says `succession`.
"""

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from ..config.errors import BadInput
from ..contract import record
from . import copies, provenance, succession
from .provenance import Foreign
from .succession import Standing

Record = Mapping[str, Any]

LOCK_FILE: Final = ".running"
"""The file in a results folder that a run keeps locked while it records there."""
RUN: Final = "run"
"""The value of `failed` in an `end` line if pytest ended before all cases had a record."""


@dataclass(frozen=True)
class Recorded:
    """The records of one pair's lane that count, by case id.

    `failure` says why the environment of the last run failed. `runs` are all runs of the file, in its order, current or
    not; of a run that the file holds twice one.
    """

    pair: str
    lane: str
    records: Mapping[str, Record]
    failure: str | None = None
    runs: Sequence[record.Run] = ()
    standing: Standing = field(default_factory=Standing, compare=False)
    """The cases whose results need a word: withdrawn, contradicted, or older than the last run."""
    foreign: Sequence[Foreign] = ()
    """The last lines of cases that are no records of the pair, as other versions were imported."""

    @cached_property
    def _headers(self) -> Mapping[int, Mapping[str, Any]]:
        """The header of the run of each line that counts, or could count beside one, by the line's id."""
        rivals = (line for lines in self.standing.rivals.values() for line in lines)
        counting = {id(line) for line in (*self.records.values(), *rivals)}
        return {id(line): run.header for run in self.runs for line in run.cases.values() if id(line) in counting}

    def results_of(self, case: str) -> Sequence[Record]:
        """The results of a case of which one counts: its record, and failing ones of equal standing."""
        record = self.records.get(case)
        return (*([record] if record else ()), *self.standing.rivals.get(case, ()))

    def header_of(self, line: Record) -> Mapping[str, Any] | None:
        """The header of the run that a line belongs to."""
        return self._headers.get(id(line))


def path_in(results: Path, pair: str, lane: str) -> Path:
    """The path of a lane's records in a results folder."""
    return results / pair / f"{lane}.jsonl"


def refuse_strange(files: Iterable[Path] = (), folders: Iterable[Path] = ()) -> None:
    """Raises BadInput for what stands where a results folder has its files and folders, and is none.

    One from elsewhere must not lead out of itself, nor to what never ends. What is not there is no problem.
    """
    named = {**dict.fromkeys(files, Path.is_file), **dict.fromkeys(folders, Path.is_dir)}
    problems = [problem for part, is_usual in named.items() if (problem := _strange(part, is_usual))]
    if problems:
        raise BadInput.from_problems(problems)


def _strange(part: Path, is_usual: Callable[[Path], bool]) -> str | None:
    try:
        if part.is_symlink():
            return f"{part}: is a link to {part.readlink()}, and records stay in their folder; take it away"
        if is_usual(part) or not os.path.lexists(part):
            return None
    except (OSError, ValueError) as error:  # ValueError: a name with a null character
        return f"{part}: cannot be read: {error}; name another folder"
    usual = "regular file" if is_usual is Path.is_file else "folder"
    return f"{part}: is no {usual}; delete it"


def refuse_unwritable(folder: Path, option: str = "--results") -> None:
    """Create the folder. Raises BadInput if that fails or it is not writable."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise BadInput(f"{option} {folder}: {error.strerror}; name a folder that can be written") from error


@dataclass(frozen=True)
class Current:
    """What a run's header must say for its records to count: these fields, and by route the digest in its `cell`."""

    header: Mapping[str, Any]
    cell: Mapping[str, str]
    wheels: Mapping[str, str] = field(default_factory=dict)
    """The versions of packages that come from a wheel: in the pair's id they have a label instead of their own."""
    lasting: bool = True
    """Whether a result counts on after a run that could not run its case."""

    def routes(self, run: record.Run) -> frozenset[str]:
        """The routes of the run whose records count; none if its header differs."""
        cell = run.header.get("cell")
        if not (self.is_header(run) and isinstance(cell, Mapping)):
            return frozenset()
        return frozenset(route for route, digest in cell.items() if self.cell.get(route) == digest)

    def is_header(self, run: record.Run) -> bool:
        """Whether the run's header has these fields."""
        return all(run.header.get(name) == value for name, value in self.header.items())


def load(results: Path, pair: str, lane: str, current: Current | None) -> Recorded:
    """Reads the records of a lane that count; all of them if `current` is None.

    A lane without a file has no records. Raises BadInput for a file that holds anything else.
    """
    path = path_in(results, pair, lane)
    refuse_strange([path], [path.parent])
    try:
        runs = record.read(path) if path.is_file() else []
    except (OSError, ValueError) as error:
        raise BadInput(f"{error}; move that file away, or name another folder with --results") from error
    return of(pair, lane, copies.distinct(runs), current)


def of(pair: str, lane: str, runs: Sequence[record.Run], current: Current | None) -> Recorded:
    """What counts of the runs of a lane's file."""
    lines = provenance.Lines(current.wheels if current else {})
    lasting = current is None or current.lasting
    standing = succession.standing(runs, lambda run: _counting(run, current), lines.of, lasting=lasting)
    foreign = lines.foreign(succession.last(runs, lambda run: _counting(run, current))) if lines.are_mixed else ()
    return Recorded(pair, lane, standing.records, last_failure(runs, current), tuple(runs), standing, foreign)


def _counting(run: record.Run, current: Current | None) -> frozenset[str]:
    """The cases of a run whose records count."""
    cases = {*run.planned, *run.cases}
    if current is None:
        return frozenset(cases)
    routes = current.routes(run)
    return frozenset(case for case in cases if case.partition("/")[0] in routes)


def last_failure(runs: Sequence[record.Run], current: Current | None) -> str | None:
    """Why the environment of the last run that counts failed; None if it did not, or no run counts."""
    last = [run for run in runs if _counting(run, current)][-1:]
    return _failure(last[0]) if last else None


def _failure(run: record.Run) -> str | None:
    if run.end is None or run.end.get("failed") is None:
        return None
    return str(run.end.get("reason") or "the environment could not be made")
