"""The answer for other programs: which pairs are good, by route. Its format is harness/schemas/answer.json."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ...config.pair import Pair
from ...results.verdict import Judged, Verdict
from .. import causes, marks
from ..summary import Summary
from . import needs

SCHEMA: Final = 1


def answer(summary: Summary) -> dict[str, Any]:
    """By pair, lane and route the verdict and the counts; and the pairs that are known to be good, of all and by route.

    Good is a pair on which everything that was tried passed, and something was.
    """
    cases: dict[str, list[Judged]] = {pair.id: [] for pair in summary.pairs}
    for one in summary.judged:
        cases[one.pair].append(one)
    pairs = {pair.id: _pair(pair, cases[pair.id]) for pair in summary.pairs}
    routes = list(dict.fromkeys(one.case.route for one in summary.judged))
    return {
        "schema": SCHEMA,
        "made": summary.made.isoformat(timespec="seconds"),
        "exit_code": summary.exit_code,
        "complete": summary.complete,
        "selection": dict(summary.selection),
        "pairs": pairs,
        "known_good": {
            "all": [pair for pair, found in pairs.items() if found["good"]],
            "routes": {route: [pair for pair, found in pairs.items() if _is_good_on(found, route)] for route in routes},
        },
        "needs": [_need(need) for need in needs.find(summary)],
        "disagreements": [
            {"pair": one.one.pair, "lane": one.one.lane, "case": one.one.case.id, "outcomes": one.outcomes}
            for one in summary.disagreements
        ],
    }


def _need(need: needs.Need) -> dict[str, Any]:
    rule = {"because": need.rule.because, "advice": need.rule.advice, "source": need.rule.url or need.rule.script}
    lists = {name: list(getattr(need, name)) for name in ("names", "routes", "pairs")}
    return {"family": need.family, **lists, "since": need.since, **rule}


def _pair(pair: Pair, cases: Sequence[Judged]) -> dict[str, Any]:
    lanes: dict[str, dict[str, list[Judged]]] = {}
    for one in cases:
        lanes.setdefault(one.lane, {}).setdefault(one.case.route, []).append(one)
    told = {lane: {route: _told(group) for route, group in routes.items()} for lane, routes in lanes.items()}
    return {"versions": pair.versions, "good": is_good(cases), "lanes": told}


def _told(cases: Sequence[Judged]) -> dict[str, Any]:
    counts = {mark.key: count for mark, count in marks.count(cases).items()}
    return {"verdict": worst(cases), "good": is_good(cases), "counts": counts}


def worst(cases: Iterable[Judged]) -> Verdict:
    """The verdict that needs a look first."""
    return min((one.verdict for one in cases), key=causes.ORDER.index)


def is_good(cases: Iterable[Judged]) -> bool:
    """Whether all that was tried passed, nothing is missing, and anything was tried."""
    counts = marks.count(cases)
    return bool(counts.keys() & marks.GOOD) and not counts.keys() - marks.GOOD - marks.UNTRIED


def _is_good_on(pair: Mapping[str, Any], route: str) -> bool:
    """In each lane in which the route was tried, and in one at least."""
    found = [routes[route] for routes in pair["lanes"].values() if route in routes]
    untried = {mark.key for mark in marks.UNTRIED}
    return any(one["good"] for one in found) and all(one["good"] or one["counts"].keys() <= untried for one in found)
