"""Every run on record, and the outcomes that changed from one run of a case to the next."""

import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

from ..contract.case import SKIPPED
from ..contract.record import Run
from .store import Recorded


@dataclass(frozen=True)
class OutcomeChange:
    """A case whose outcome differs from its previous run."""

    case: str
    before: str
    now: str
    reason: str


@dataclass(frozen=True)
class PastRun:
    """One run of a pair's lane."""

    folder: Path
    pair: str
    lane: str
    run: Run
    turns: tuple[OutcomeChange, ...]

    @property
    def started(self) -> str:
        """When the run began, by its header."""
        return _started(self.run)

    @property
    def code(self) -> str:
        """A digest of the code and settings that the run's outcomes depend on."""
        cell = self.run.header.get("cell")
        return hashlib.sha256(json.dumps(cell, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def counts(self) -> dict[str, int]:
        """The number of cases by outcome."""
        counts: dict[str, int] = {}
        for line in self.run.cases.values():
            counts[line["outcome"]] = counts.get(line["outcome"], 0) + 1
        return counts


def of(recorded: Mapping[Path, Iterable[Recorded]]) -> list[PastRun]:
    """Every run in these folders, of any code, oldest first.

    A run is compared with earlier runs of the same folder, and of weights from the same source. The runs of one file
    keep its order, even if the clock was set back between them.
    """
    runs = [
        (latest, (folder, file.pair, file.lane, run))
        for folder, files in recorded.items()
        for file in files
        for latest, run in zip(itertools.accumulate(map(_started, file.runs), max), file.runs, strict=True)
    ]
    last: dict[tuple[Path, str, str, str | None], dict[str, str]] = {}
    return [
        PastRun(
            folder,
            pair,
            lane,
            run,
            tuple(_turns(run, last.setdefault((folder, pair, lane, run.header.get("weights")), {}))),
        )
        for _, (folder, pair, lane, run) in sorted(runs, key=itemgetter(0))
    ]


def _started(run: Run) -> str:
    return str(run.header.get("started", ""))


def _turns(run: Run, last: dict[str, str]) -> Iterable[OutcomeChange]:
    """The changed outcomes of a run. Updates `last`, the last outcome of each case; skipped cases leave it as it is."""
    for case, line in run.cases.items():
        now = line["outcome"]
        if now in SKIPPED:
            continue
        before = last.get(case)
        last[case] = now
        if before not in {None, now}:
            yield OutcomeChange(case, str(before), now, str(line.get("reason") or ""))
