"""What each run of a lane found, and what had changed since the last time its cases were run."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..contract.case import SKIPPED
from ..contract.record import Run
from .store import Recorded


@dataclass(frozen=True)
class OutcomeChange:
    """A case that came out otherwise than the last time."""

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
        """When it began, as its header says."""
        return str(self.run.header.get("started", ""))

    @property
    def code(self) -> str:
        """A digest of the code and settings that the run's outcomes rest on, for two runs to be told apart by."""
        cell = self.run.header.get("cell")
        return hashlib.sha256(json.dumps(cell, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def counts(self) -> dict[str, int]:
        """How many cases had which outcome."""
        counts: dict[str, int] = {}
        for line in self.run.cases.values():
            counts[line["outcome"]] = counts.get(line["outcome"], 0) + 1
        return counts


def of(recorded: Mapping[Path, Iterable[Recorded]]) -> list[PastRun]:
    """Every run in these folders, of whatever code, oldest first.

    A run is held against those of its own machine, and of weights from the same source.
    """
    runs = [
        (folder, one.pair, one.lane, run) for folder, files in recorded.items() for one in files for run in one.runs
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
        for folder, pair, lane, run in sorted(runs, key=lambda one: str(one[3].header.get("started", "")))
    ]


def _turns(run: Run, last: dict[str, str]) -> Iterable[OutcomeChange]:
    """What is known of each case is brought up to date on the way. That one was not run, or cannot be, is no news."""
    for case, line in run.cases.items():
        now = line["outcome"]
        if now in SKIPPED:
            continue
        before = last.get(case)
        last[case] = now
        if before not in {None, now}:
            yield OutcomeChange(case, str(before), now, str(line.get("reason") or ""))
