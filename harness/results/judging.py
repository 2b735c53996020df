"""What is recorded of the selected pairs, held against the expectations of today."""

import contextlib
import gc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..config.expectation import Rule
from ..config.matrix import Lane
from ..contract.case import Case
from ..contract.catalog import Catalog, Entry, entry_of
from ..contract.checkpoint import Checkpoint, is_path
from ..contract.matching import applies_to, covers_releases
from ..planning import plan
from . import store
from .pair_records import PairRecords
from .store import Recorded
from .verdict import Judged, Verdict, judge


@dataclass(frozen=True)
class Judgement:
    """A verdict for every planned case of some pairs, in every selected lane; and what each lane's file holds."""

    cases: list[Judged]
    recorded: list[Recorded]
    families: Mapping[str, str]
    """The module of each model."""
    parameters: Mapping[str, int]
    """How many each model has at full size."""


def judged(selected: Sequence[PairRecords]) -> list[Judged]:
    """The verdicts alone."""
    return of(selected).cases


def of(selected: Sequence[PairRecords]) -> Judgement:
    """Raises BadInput for a file that is none of records."""
    with _uncollected():
        found = [one for records in selected for one in _judged(records)]
    entries = {entry.model: entry for records in selected for entry in records.catalog() or ()}
    return Judgement(
        [one for cases, _ in found for one in cases],
        [recorded for _, recorded in found],
        {model: entry.family for model, entry in entries.items()},
        {model: entry.params for model, entry in entries.items()},
    )


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """All that is read is kept; to search a hundred thousand records for garbage takes as long as to read them."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # nor need it be searched by what comes after
        if collecting:
            gc.enable()


def _judged(records: PairRecords) -> Iterator[tuple[list[Judged], Recorded]]:
    catalog = records.catalog()
    for lane in records.lanes:
        yield _unplanned(records, lane) if catalog is None else _planned(records, lane, catalog)


def _planned(records: PairRecords, lane: Lane, catalog: Catalog) -> tuple[list[Judged], Recorded]:
    pair = records.pair
    rules = [
        rule for rule in records.matrix.expectations if covers_releases(rule, pair.transformers, pair.timm, pair.torch)
    ]

    recorded = records.recorded(lane, catalog)
    own, from_hub = records.options.own, records.options.from_hub
    is_folder = own is not None and is_path(own) and Checkpoint.read(Path(own)).is_as_for_the_hub

    def rules_for(case: Case) -> list[Rule]:
        entry, folder = _own(recorded, case) if own else catalog[case.model], is_folder or from_hub
        spoken = [rule for rule in rules if entry and applies_to(rule, case, lane.name, entry, folder=folder)]
        return [rule for rule in spoken if not (own or from_hub) or rule.outcome == _outcome(recorded, case)]

    return judge(records.planned(lane, catalog), recorded, rules_for), recorded


def _outcome(recorded: Recorded, case: Case) -> str | None:
    """Rules expect it of timm's models with our weights; of others they explain what was seen: passing is no news."""
    record = recorded.records.get(case.id)
    return None if record is None else str(record["outcome"])


def _own(recorded: Recorded, case: Case) -> Entry | None:
    """The traits of a model of somebody's own, which only its record knows."""
    traits = ((recorded.records.get(case.id) or {}).get("detail") or {}).get("traits")
    try:
        return entry_of(traits) if traits else None
    except (KeyError, TypeError):
        return None


def _unplanned(records: PairRecords, lane: Lane) -> tuple[list[Judged], Recorded]:
    """Without a catalog nobody knows the models: one incomplete case a route stands for all."""
    recorded = store.load(records.options.results, records.pair.id, lane.name, None)
    why = recorded.unmade or f"there is no catalog of timm {records.pair.timm} yet"
    cases = plan.stand_ins(records.matrix, records.options)
    return [Judged(records.pair.id, lane.name, case, Verdict.INCOMPLETE, missing=why) for case in cases], recorded
