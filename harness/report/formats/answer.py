"""answer.json, for other programs: which pairs are good, by route. Its format is harness/schemas/answer.json."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ...config.pair import Pair
from ...results.judging import Judged, Verdict
from .. import causes, marks
from ..summary import Summary
from . import needs

SCHEMA: Final = 1


def answer(summary: Summary) -> dict[str, Any]:
    """Verdict and counts by pair, lane and route; and the pairs known to be good, on all routes and on each.

    A pair is good if at least one case was tried on it and every case that was tried passed.
    """
    cases: dict[str, list[Judged]] = {pair.id: [] for pair in summary.pairs}
    for case in summary.judged:
        cases[case.pair].append(case)
    pairs = {pair.id: _pair(pair, cases[pair.id]) for pair in summary.pairs}
    routes = list(dict.fromkeys(case.case.route for case in summary.judged))
    return {
        "schema": SCHEMA,
        "made": summary.made.isoformat(timespec="seconds"),
        "exit_code": summary.exit_code,
        "complete": summary.complete,
        "selection": dict(summary.selection),
        "pairs": pairs,
        "known_good": {
            "all": [pair for pair, facts in pairs.items() if facts["good"]],
            "routes": {route: [pair for pair, facts in pairs.items() if _is_good_on(facts, route)] for route in routes},
        },
        "remarks": list(summary.remarks),
        "needs": [_need(need) for need in needs.find(summary)],
        "disagreements": [
            _case(disagreement.first) | {"outcomes": disagreement.outcomes} for disagreement in summary.disagreements
        ],
    }


def _case(case: Judged) -> dict[str, Any]:
    return {"pair": case.pair, "lane": case.lane, "case": case.case.id}


def _need(need: needs.Need) -> dict[str, Any]:
    rule = {"because": need.rule.because, "advice": need.rule.advice, "source": need.rule.url or need.rule.script}
    lists = {name: list(getattr(need, name)) for name in ("names", "routes", "pairs")}
    return {"family": need.family, **lists, "since": need.since, **rule}


def _pair(pair: Pair, cases: Sequence[Judged]) -> dict[str, Any]:
    lanes: dict[str, dict[str, list[Judged]]] = {}
    for case in cases:
        lanes.setdefault(case.lane, {}).setdefault(case.case.route, []).append(case)
    by_lane = {lane: {route: _route(group) for route, group in routes.items()} for lane, routes in lanes.items()}
    return {"versions": pair.versions, "good": is_good(cases), "lanes": by_lane}


def _route(cases: Sequence[Judged]) -> dict[str, Any]:
    counts = {mark.key: count for mark, count in marks.count(cases).items()}
    return {"verdict": worst(cases), "good": is_good(cases), "counts": counts}


def worst(cases: Iterable[Judged]) -> Verdict:
    """The verdict that needs a look first."""
    return min((case.verdict for case in cases), key=causes.ORDER.index)


def is_good(cases: Iterable[Judged]) -> bool:
    """Whether at least one case was tried, all that were tried passed, and none is missing."""
    counts = marks.count(cases)
    return bool(counts.keys() & marks.GOOD) and not counts.keys() - marks.GOOD - marks.UNTRIED


def _is_good_on(pair: Mapping[str, Any], route: str) -> bool:
    """Whether the route is good in at least one lane and in every lane in which it was tried."""
    lanes = [routes[route] for routes in pair["lanes"].values() if route in routes]
    untried = {mark.key for mark in marks.UNTRIED}
    return any(lane["good"] for lane in lanes) and all(
        lane["good"] or lane["counts"].keys() <= untried for lane in lanes
    )
