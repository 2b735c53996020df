"""What is recorded of the selected pairs, held against the expectations of today."""

from collections.abc import Sequence

from harness import plan, results
from harness.catalog import Catalog
from harness.lanes import Lanes
from harness.matrix import Lane
from harness.record import Case
from harness.rule import Rule
from harness.verdict import Judged, Verdict, judge


def judged(selected: Sequence[Lanes]) -> list[Judged]:
    """A verdict for every planned case of these pairs, in every selected lane."""
    return [
        one
        for lanes in selected
        for lane in plan.lanes(lanes.matrix, lanes.options)
        for catalog in [lanes.catalog()]
        for one in (_unplanned(lanes, lane) if catalog is None else _judged(lanes, lane, catalog))
    ]


def _judged(lanes: Lanes, lane: Lane, catalog: Catalog) -> list[Judged]:
    def rules_for(case: Case) -> list[Rule]:
        entry = catalog[case.model]
        return [rule for rule in lanes.matrix.expectations if rule.applies(case, lanes.pair, lane.name, entry)]

    return judge(lanes.planned(lane, catalog), lanes.recorded(lane, catalog), rules_for)


def _unplanned(lanes: Lanes, lane: Lane) -> list[Judged]:
    """Without a catalog nobody knows the models: one incomplete case a route stands for all."""
    recorded = results.load(lanes.options.results, lanes.pair.id, lane.name, {})
    why = recorded.unmade or f"there is no catalog of timm {lanes.pair.timm} yet"
    return [
        Judged(lanes.pair.id, lane.name, case, Verdict.INCOMPLETE, missing=why)
        for case in plan.stand_ins(lanes.matrix, lanes.options)
    ]
