"""The verdicts on all cases of the selected pairs: reads their records and has `judging` judge each."""

import contextlib
import functools
import gc
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..config.expectation import Rule
from ..config.lane import Lane
from ..contract.case import Case
from ..contract.catalog import Catalog, Entry, entry_of
from ..contract.checkpoint import Checkpoint, is_path
from ..contract.matching import applying
from ..contract.routes import rules_of
from ..planning import plan
from . import store
from .explaining import Remedied, explain
from .judging import Judged, Verdict, judge
from .pair_records import PairRecords
from .store import Recorded


@dataclass(frozen=True)
class Judgement:
    """A verdict for every planned case of some pairs in the selected lanes, and the content of each lane's file."""

    cases: list[Judged]
    recorded: list[Recorded]
    families: Mapping[str, str]
    """Model -> family."""
    parameters: Mapping[str, int]
    """Model -> number of parameters at full size."""
    unbuilt: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Release of timm -> model that it lists and cannot build -> what its constructor raises."""
    stand_ins: Mapping[str, str] = field(default_factory=dict)
    """Model without a case -> the smallest model of its kind that has one."""


def judged(selected: Sequence[PairRecords]) -> list[Judged]:
    """The verdicts on the selected pairs."""
    return of(selected).cases


def of(selected: Sequence[PairRecords]) -> Judgement:
    """Reads and judges the records of the selected pairs. Raises BadInput for a file that holds no records."""
    with _garbage_collection_paused():
        lanes = [lane for records in selected for lane in _judged(records)]
    catalogs = [catalog for records in selected if (catalog := records.catalog())]
    entries = {entry.model: entry for catalog in catalogs for entry in catalog}
    cases = [case for cases, _ in lanes for case in cases]
    return Judgement(
        cases,
        [recorded for _, recorded in lanes],
        {model: entry.family for model, entry in entries.items()},
        {model: entry.params for model, entry in entries.items()},
        {catalog.timm: catalog.unbuilt for catalog in catalogs if catalog.unbuilt},
        stand_ins(entries.values(), {case.case.model for case in cases}),
    )


def stand_ins(entries: Iterable[Entry], tried: Collection[str]) -> dict[str, str]:
    """Model that was not tried -> the smallest tried model of its kind; a model without one is left out."""
    largest_first = sorted(entries, key=lambda entry: (-entry.params, entry.model))
    of_kind = {entry.kind: entry.model for entry in largest_first if entry.model in tried}
    others = {entry.model: of_kind.get(entry.kind) for entry in largest_first if entry.model not in tried}
    return {model: other for model, other in sorted(others.items()) if other}


@contextlib.contextmanager
def _garbage_collection_paused() -> Iterator[None]:
    """Everything read is kept, and collecting among a hundred thousand records takes as long as reading them."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # later collections skip the records too
        if collecting:
            gc.enable()


def _judged(records: PairRecords) -> Iterator[tuple[list[Judged], Recorded]]:
    catalog = records.catalog()
    for lane in records.lanes:
        yield _unplanned(records, lane) if catalog is None else _planned(records, lane, catalog)


def unmended(records: PairRecords, lane: Lane, catalog: Catalog) -> set[str]:
    """The ids of the cases that rules explain, and that were not run with the remedies of these rules."""
    cases, _ = _planned(records, lane, catalog)
    return {case.case.id for case in cases if Remedied.NOT_RUN in case.explained.remedies.values()}


def _planned(records: PairRecords, lane: Lane, catalog: Catalog) -> tuple[list[Judged], Recorded]:
    rules = plan.expectations_of(records.matrix, records.pair)
    recorded = records.recorded(lane, catalog)
    own, from_hub = records.options.own, records.options.from_hub
    is_folder = own is not None and is_path(own) and Checkpoint.read(Path(own)).is_as_for_the_hub

    folder = is_folder or from_hub

    @functools.cache  # a route has few of the rules, and a hundred thousand cases ask
    def rules_of_route(route: str) -> list[Rule]:
        routes = set(rules_of(route, folder=folder))
        return [rule for rule in rules if not routes.isdisjoint(rule.routes)]

    def rules_for(case: Case) -> list[Rule]:
        entry, candidates = _traits(recorded, case) if own else catalog[case.model], rules_of_route(case.route)
        known = applying(candidates, case, lane.name, entry, folder=folder) if entry else []
        # Rules predict timm's models with our weights. Other models may pass where a rule applies: that is no news.
        return _found(known, recorded, case) if own or from_hub else known

    return judge(records.planned(lane, catalog), recorded, rules_for), recorded


def _found(rules: Sequence[Rule], recorded: Recorded, case: Case) -> list[Rule]:
    """The rules that explain a finding of a result of the case."""
    found = {rule.id for result in recorded.results_of(case.id) for rule in explain(result, rules).found}
    return [rule for rule in rules if rule.id in found]


def _traits(recorded: Recorded, case: Case) -> Entry | None:
    """The traits of a user model, from a result of it; None if it has none."""
    of_results = ((result.get("detail") or {}).get("traits") for result in recorded.results_of(case.id))
    traits = next(filter(None, of_results), None)
    try:
        return entry_of(traits) if isinstance(traits, dict) else None
    except ValueError:
        return None


def _unplanned(records: PairRecords, lane: Lane) -> tuple[list[Judged], Recorded]:
    """One incomplete case per route: without a catalog the models are unknown."""
    recorded = store.load(records.options.results, records.pair.id, lane.name, None)
    why = recorded.failure or f"there is no catalog of timm {records.pair.timm} yet"
    cases = plan.stand_ins(records.matrix, records.options)
    return [Judged(records.pair.id, lane.name, case, Verdict.INCOMPLETE, missing=why) for case in cases], recorded
