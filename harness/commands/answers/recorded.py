"""What the records of one's own runs say of pairs in a lane, and why those of some pairs say nothing."""

import argparse
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from ...atlas import making
from ...atlas.answer import Releases
from ...atlas.entries import pair_files
from ...atlas.entries.entry import PairEntry
from ...atlas.own import lacks
from ...atlas.rules import known
from ...config.errors import BadInput
from ...config.matrix import Matrix
from ...config.pair import Pair
from ...config.text import number
from ...contract import finding
from ...contract.case import DEFAULT_VARIANT, Size
from ...contract.record import Run
from ...results import verdicts
from ...results.judging import Judged
from ...results.merging import merge
from ...results.pair_records import PairRecords
from ...results.store import RUN, Recorded
from ..run import MatrixCommand

RECORDS: Final = ".jsonl"


@dataclass(frozen=True)
class Own:
    """The entries that can be told, by the pair's id, and for each other pair or lane a line on why it is left out.

    `reasons` are those of the causes that the matrix has and the package lacks, by rule.
    """

    entries: Mapping[str, PairEntry] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)


def of(arguments: argparse.Namespace) -> Own:
    """What is on record in `--results`.

    Raises HarnessError for options and records that cannot be used, and BadInput where nothing can.
    """
    command = MatrixCommand.of(list(_words(arguments)), "report")
    folders = (command.options.results, *command.arguments.beside)
    lanes = _lanes(folders)
    if not lanes:
        raise BadInput(f"--results {', '.join(map(str, folders))}: no pair has records there; nox -s matrix makes some")
    pairs = {name: pair for name in lanes if (pair := _pair(name, command.described))}
    asked = [pair for name, pair in pairs.items() if arguments.lane in lanes[name]]
    left = [*_of_no_pair(lanes.keys() - pairs.keys()), *_of_other_lanes(arguments.lane, lanes, asked)]
    taken: dict[Releases, str] = {}
    told: dict[str, PairEntry] = {}
    measured = pair_files.read()
    records = _Records.read(command, folders, asked)
    for pair in asked:
        [entry] = making.entries_of([pair], records.cases[pair.id], _size(arguments))
        why = records.problem(pair.id, entry, quick=arguments.quick)
        why = why or lacks(entry.lanes[arguments.lane], entry.releases, measured)
        if why or entry.releases in taken:
            left.append(f"{pair.id}: {why or f'left out, for {taken[entry.releases]} is of the same releases'}")
        else:
            taken[entry.releases], told[pair.id] = pair.id, entry
    if not told:
        raise BadInput.from_problems(left)
    reasons = {rule.id: rule.because for rule in command.described.expectations if rule.id not in known()}
    return Own(told, tuple(map(finding.message, left)), reasons)


def _words(arguments: argparse.Namespace) -> Iterator[str]:
    """The options of a report of the same records."""
    for folder in arguments.results:
        yield from ("--results", str(folder))
    yield from ("--matrix", str(arguments.matrix)) if arguments.matrix else ()
    yield from ("--quick",) if arguments.quick else ()
    yield from ("--lane", arguments.lane, "--variant", DEFAULT_VARIANT)


def _size(arguments: argparse.Namespace) -> Size:
    return Size.NARROW if arguments.quick else Size.SLIM


def _is_narrow(run: Run) -> bool:
    """Whether narrow models were asked for, as --quick does."""
    selection = run.header.get("selection")
    sizes = selection.get("sizes") if isinstance(selection, Mapping) else None
    return isinstance(sizes, list) and Size.NARROW in sizes


def _lanes(folders: Sequence[Path]) -> dict[str, set[str]]:
    """The lanes of which there are records, by the name of the pair's folder; those with the default torch first."""
    lanes: dict[str, set[str]] = defaultdict(set)
    for path in sorted(path for folder in folders for path in folder.glob(f"*/*{RECORDS}")):
        lanes[path.parent.name].add(path.stem)
    return dict(sorted(lanes.items(), key=lambda pair: pair[0].count("-")))


def _pair(name: str, described: Matrix) -> Pair | None:
    """The pair that a folder of records is named for: the matrix's, or with its defaults; None for any other name."""
    listed = (pair for pair in described.pairs if pair.id == name)
    return next(listed, None) or Pair.parse_id(name, described.defaults)


def _of_no_pair(names: set[str]) -> Iterator[str]:
    return (f"{name}: left out, for no pair has this name" for name in sorted(names))


def _of_other_lanes(lane: str, lanes: Mapping[str, set[str]], asked: Sequence[Pair]) -> Iterator[str]:
    """A line for each pair without records in the lane, and one on the other lanes of those that have some."""
    ids = {pair.id for pair in asked}
    for name, there in lanes.items():
        if lane not in there:
            yield f"{name}: left out, for it has no records in {lane}, but in {', '.join(sorted(there))}; see --lane"
    if others := sorted({other for name in ids for other in lanes[name]} - {lane}):
        yield f"{', '.join(others)}: left out, for a site is of one lane; --lane names another"


@dataclass(frozen=True)
class _Records:
    """The verdicts on the cases of some pairs, and what is on record of them, by the pair's id."""

    cases: Mapping[str, list[Judged]]
    recorded: Mapping[str, list[Recorded]]

    @classmethod
    def read(cls, command: MatrixCommand, folders: Sequence[Path], pairs: Sequence[Pair]) -> "_Records":
        """Those of several folders merged. Raises BadInput for a file that holds no records."""
        options = [replace(command.options, results=folder) for folder in folders]
        machines = {
            one.results: verdicts.of([PairRecords(command.described, pair, one) for pair in pairs]) for one in options
        }
        cases: dict[str, list[Judged]] = defaultdict(list)
        recorded: dict[str, list[Recorded]] = defaultdict(list)
        for case in merge({folder: machine.cases for folder, machine in machines.items()})[0]:
            cases[case.pair].append(case)
        for record in (record for machine in machines.values() for record in machine.recorded):
            recorded[record.pair].append(record)
        return cls(cases, recorded)

    def problem(self, pair: str, entry: PairEntry, *, quick: bool) -> str:
        """Why the records of a pair cannot be told; empty if they can."""
        runs = [run for recorded in self.recorded[pair] for run in recorded.runs]
        if {_is_narrow(run) for run in runs} == {not quick}:
            remedy = "without --quick; leave --quick out" if quick else "with --quick; add --quick"
            return f"left out, for its records are of runs {remedy}"
        cases = self.cases[pair]
        killed = (run for run in runs if run.end is None or run.end.get("failed") == RUN)
        lost = {case for run in killed for case in run.missing}
        if missing := [case for case in cases if case.record is None and case.case.id in lost]:
            return f"left out, for its run did not end, without a record of {number(len(missing), 'case')}"
        if entry.lanes:
            return ""
        if any(run.cases for run in runs) and not any(case.record or case.withdrawn for case in cases):
            return "left out, for none of its records counts: what they are of has changed since, or is not asked for"
        return f"left out, for no case has a result: {next((case.reason for case in cases), 'nothing was run')}"
