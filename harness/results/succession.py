"""Which result of a case counts, of all that the runs of a lane's file say of it.

Clocks can be wrong, so they never decide alone. Within one results folder the `sequence` of its runs decides. A run
that was recorded in the file itself comes after all runs above it. A run that was collected from another folder comes
after one that the file held well before it began. Of other runs nobody knows which is the later: their results are of
equal standing, and if they disagree, the failing one counts. So the order of collecting decides nothing.
"""

import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ..contract.case import RED, Outcome
from ..contract.record import Run
from .run_text import COLLECTED

Record = Mapping[str, Any]

SKEW: Final = timedelta(minutes=5)
"""By how much clocks may differ."""
WITHOUT: Final = 2  # planned, and without a result
FAILING: Final = 1


@dataclass(frozen=True)
class Turn:
    """A run with its place in the file."""

    position: int
    run: Run
    parted: int | None = None
    """The first place that two runs claim in the run's folder, or None."""

    @property
    def folder(self) -> Any:
        """The id of the results folder in which the run was recorded; None in older records."""
        return self.run.header.get("folder")

    @property
    def place(self) -> int:
        """The run's place among those of its folder."""
        return self.run.header.get("sequence") or 0

    @property
    def order(self) -> tuple[int, int]:
        """The order among the runs of the folder; older records have that of the file."""
        return self.place, self.position

    @property
    def is_native(self) -> bool:
        """Whether the run was recorded in this file, not collected from another."""
        return not self.run.header.get(COLLECTED)

    @property
    def began(self) -> datetime | None:
        """When the run began; None if it says nothing, or nothing that can be true."""
        began, collected = moment(self.run.header.get("started")), moment(self.run.header.get(COLLECTED))
        return None if began and collected and began > collected + SKEW else began

    @property
    def known(self) -> datetime | None:
        """When the whole run was in this file, by the clock that collected it; None for one that was recorded here."""
        return moment(self.run.header.get(COLLECTED))

    def follows(self, other: "Turn") -> bool:
        """Whether this run certainly began after the other, one of another folder or of a copy of its own."""
        if self.parted is not None and self.folder == other.folder:
            return other.place < self.parted <= self.place
        if self.is_native or (other.is_native and self.position < other.position):
            return self.is_native and self.position > other.position
        began, known = self.began, other.known
        return began is not None and known is not None and began > known + SKEW


@dataclass(frozen=True, slots=True)
class Event:
    """What a run says of a case: its line, or None if it planned the case and has no result of it."""

    turn: Turn
    line: Record | None

    @property
    def rank(self) -> int:
        """The larger, the less green."""
        if self.line is None:
            return WITHOUT
        return FAILING if self.line["outcome"] in RED else 0

    @property
    def is_not_run(self) -> bool:
        """Whether the run could not run the case."""
        return self.line is not None and self.line["outcome"] == Outcome.NOT_RUN

    def not_run_after(self, other: "Event") -> bool:
        """Whether the case could not be run, certainly after the other event."""
        same = self.turn.folder == other.turn.folder and self.turn.parted is None
        return self.is_not_run and (self.turn.order > other.turn.order if same else self.turn.follows(other.turn))

    @property
    def order(self) -> tuple[int, str, str]:
        """The order of events of equal standing, the one that counts last; the place in the file is not in it."""
        return self.rank, str(self.turn.run.header.get("started", "")), json.dumps(self.line, sort_keys=True)


@dataclass
class Standing:
    """The results that count, by case id."""

    records: dict[str, Record] = field(default_factory=dict)
    rivals: dict[str, tuple[Record, ...]] = field(default_factory=dict)
    """Failing results of equal standing with a failing record, or with a run that withdraws the record."""
    withdrawn: set[str] = field(default_factory=set)
    """The cases that have results, none of which counts, as a later run planned the case and has none."""
    not_run: set[str] = field(default_factory=set)
    """The cases with a record that could not be run in a later run."""


@dataclass(slots=True)
class _History:
    """The last events of a case in one folder: of any kind, and without those of runs that could not run it."""

    last: Event
    tried: Event | None = None


def standing(
    runs: Sequence[Run],
    planned: Callable[[Run], Iterable[str]],
    line: Callable[[Run, str], Any],
    *,
    lasting: bool = True,
) -> Standing:
    """The results that count of these runs: `planned` gives the cases of a run, `line` the line of one, or None.

    A result that is not `lasting` is withdrawn by a later run that could not run the case.
    """
    folders: list[dict[str, _History]] = []
    has_result: set[str] = set()
    for turns in _folders(runs):
        histories: dict[str, _History] = {}
        folders.append(histories)
        for turn in turns:
            for case in planned(turn.run):
                event = Event(turn, line(turn.run, case))
                if not event.is_not_run and event.line is not None:
                    has_result.add(case)
                history = histories.setdefault(case, _History(event))
                history.last = event
                history.tried = history.tried if event.is_not_run else event
    found = Standing()
    for case in dict.fromkeys(case for histories in folders for case in histories):
        of_case = [histories[case] for histories in folders if case in histories]
        _decide(found, case, of_case, tried=case in has_result)
        if not lasting:
            _withdraw_older(found, case, of_case)
    return found


def last(runs: Sequence[Run], planned: Callable[[Run], Iterable[str]]) -> dict[str, Run]:
    """Case id -> the last run in the file that planned the case."""
    return {case: run for run in runs for case in planned(run)}


def _decide(found: Standing, case: str, histories: Sequence[_History], *, tried: bool) -> None:
    """Add the case. Once there is a result of it, that it could not be run says nothing."""
    events = [event for history in histories if (event := history.tried if tried else history.last)]
    chosen, rivals = latest(events)
    if rivals:
        found.rivals[case] = rivals
    if chosen.line is None:
        if tried:
            found.withdrawn.add(case)
        return
    found.records[case] = chosen.line
    last = max((history.last for history in histories), key=lambda event: event.turn.position)
    if tried and last.turn.position > chosen.turn.position and last.is_not_run:
        found.not_run.add(case)


def _withdraw_older(found: Standing, case: str, histories: Sequence[_History]) -> None:
    """Withdraw the result of a case that could not be run later. If it failed, it stays beside, as in `rivals`."""
    record = found.records.get(case)
    tried = (history.tried for history in histories)
    event = next((event for event in tried if event and event.line is record), None)
    if record is None or event is None or not any(history.last.not_run_after(event) for history in histories):
        return
    found.withdrawn.add(case)
    found.not_run.add(case)
    if event.rank == FAILING:
        found.rivals[case] = (record, *found.rivals.get(case, ()))
    del found.records[case]


def latest(events: Sequence[Event]) -> tuple[Event, tuple[Record, ...]]:
    """The event that counts, of the last ones of some folders, and the failing ones of equal standing beside it."""
    if len(events) == 1:
        return events[0], ()
    left = [event for event in events if not any(other.turn.follows(event.turn) for other in events)] or events
    chosen = max(left, key=lambda event: event.order)
    beside = (event.line for event in left if event.rank == FAILING and event is not chosen)
    return chosen, tuple(line for line in beside if line)


def _folders(runs: Sequence[Run]) -> list[list[Turn]]:
    """The runs of each folder in their order; older records, which do not say their folder, in that of the file.

    Two runs that claim the same place in a folder come from copies of it that went different ways. Which of its later
    runs belong together nobody knows then: each is taken for a folder of its own.
    """
    folders: dict[Any, list[Turn]] = {}
    for position, run in enumerate(runs):
        folders.setdefault(run.header.get("folder"), []).append(Turn(position, run))
    found: list[list[Turn]] = []
    for folder, turns in folders.items():
        turns.sort(key=lambda turn: turn.place)
        twice = [turn.place for turn, after in itertools.pairwise(turns) if turn.place == after.place]
        if folder is None or not twice:
            found.append(turns)
            continue
        parted = [replace(turn, parted=twice[0]) for turn in turns]
        found += [
            [turn for turn in parted if turn.place < twice[0]],
            *([turn] for turn in parted if turn.place >= twice[0]),
        ]
    return found


def moment(text: Any) -> datetime | None:
    """A time as records store it; None for any other value."""
    try:
        read = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)
