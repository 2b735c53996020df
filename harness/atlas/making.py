"""Makes a pair's entry from its verdicts."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from ..config.pair import Pair
from ..contract.case import SKIPPED, Outcome
from ..contract.finding import ScenarioLine
from ..contract.matching import explains
from ..results.judging import Judged, Verdict
from .answer import Answer, State
from .entries.entry import Cause, LaneEntry, PairEntry, RouteEntry
from .entries.parts import parts_of

CELL = "cell"  # of a header: the digest of what ran the cases, by route


def entry_of(pair: Pair, judged: Iterable[Judged], size: str, day: str = "", why: str = "") -> PairEntry:
    """The entry of a pair from the verdicts on its cases in one variant, at one size.

    A lane in which none has a result has the `day`, and `why` that is so, or else what the first case says.
    """
    lanes: dict[str, list[Judged]] = defaultdict(list)
    for case in judged:
        lanes[case.lane].append(case)
    return PairEntry(pair.versions, {lane: _lane(lane, cases, size, day, why) for lane, cases in lanes.items()})


def entries_of(pairs: Iterable[Pair], judged: Sequence[Judged], size: str) -> Iterator[PairEntry]:
    """The entry of each pair, with the lanes in which something has a result, and of their cases those that were run.

    A case that no run came to says nothing; as one without a result it would be not known, whatever its neighbours say.
    """
    ran = [case for case in judged if case.record or case.withdrawn]
    for pair in pairs:
        entry = entry_of(pair, (case for case in ran if case.pair == pair.id), size)
        yield replace(entry, lanes={name: lane for name, lane in entry.lanes.items() if lane.tried})


def answers(pairs: Iterable[Pair], judged: Iterable[Judged]) -> Iterator[Answer]:
    """What the verdicts say of each pair in each lane in which something was tried, in all variants."""
    some: dict[tuple[str, str], dict[str, list[Judged]]] = defaultdict(lambda: defaultdict(list))
    for case in judged:
        some[case.pair, case.lane][case.case.variant].append(case)
    by_id = {pair.id: pair for pair in pairs}
    for (pair, lane), variants in some.items():
        entries = [_lane(lane, cases, "", "", "") for cases in variants.values()]
        parts = tuple(part for entry in entries for part in parts_of(entry))
        if any(part.state is not State.UNSUPPORTED for part in parts):
            yield Answer(by_id[pair].transformers, by_id[pair].timm, lane, parts, ())


def _lane(lane: str, cases: Sequence[Judged], size: str, day: str, why: str) -> LaneEntry:
    headers = [case.header for case in cases if case.header]
    day = max((str(header["started"])[:10] for header in headers), default=day)
    if not headers:
        return LaneEntry(lane, day, size, {}, why or next((case.reason for case in cases), "nothing was run"))
    cells = {route: digest for header in headers for route, digest in (header.get(CELL) or {}).items()}
    routes: dict[str, list[Judged]] = defaultdict(list)
    for case in cases:
        routes[case.case.route].append(case)
    found = {route: _route(route, some, str(cells.get(route, ""))) for route, some in sorted(routes.items())}
    return LaneEntry(lane, day, size, found)


def _route(route: str, cases: Sequence[Judged], cell: str) -> RouteEntry:
    ordered = sorted(cases, key=lambda case: case.case.model)
    entry = RouteEntry(route, cell, tuple(case.case.model for case in ordered), 0)
    unsupported: dict[str, list[str]] = defaultdict(list)
    causes: dict[tuple[Any, ...], Cause] = {}
    for case in ordered:
        model = case.case.model
        if case.verdict is Verdict.INCOMPLETE or case.outcome == Outcome.NOT_RUN:
            entry = replace(entry, open=(*entry.open, model))
        elif case.outcome in SKIPPED:
            unsupported[case.reason.replace(model, "MODEL")].append(model)
        elif case.broken:
            for cause in _causes(case):
                known = causes.setdefault(cause.key, cause)
                causes[cause.key] = known if known is cause else replace(known, models=(*known.models, model))
        else:
            entry = replace(entry, passed=entry.passed + 1)
    reasons = {why: tuple(models) for why, models in sorted(unsupported.items())}
    return replace(entry, unsupported=reasons, causes=tuple(causes.values()))


def _causes(case: Judged) -> Iterator[Cause]:
    """What is broken in a case, each with its scenarios."""
    alike: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for scenario in case.scenarios:
        if scenario.findings:
            alike[_told(case, scenario)].append(scenario.name)
    if not alike:  # the process died, or nothing was compared
        rules = tuple(rule.id for rule in case.explained.found)
        alike[str(case.outcome), rules, False, "" if rules else case.reason].append("")
    for (outcome, rules, remedied, finding), scenarios in alike.items():
        yield Cause(outcome, tuple(scenarios), rules, (case.case.model,), remedied, finding)


def _told(case: Judged, scenario: ScenarioLine) -> tuple[Any, ...]:
    """The outcome of a scenario, the rules that explain it, whether remedies mend it, and what no rule explains."""
    explaining: dict[str, list[str]] = {
        finding.words: [rule.id for rule in case.rules if explains(rule, scenario.name, finding)]
        for finding in scenario.findings
    }
    left = [finding for tried in scenario.remedied.values() for finding in tried.findings]
    for finding in left:
        explaining[finding.words] = [rule.id for rule in case.rules if explains(rule, scenario.name, finding)]
    unexplained = next((words for words, rules in explaining.items() if not rules), "")
    found = [*(rule for some in explaining.values() for rule in some), *scenario.remedied]
    rules = tuple(dict.fromkeys(found))
    return str(scenario.outcome), rules, bool(scenario.remedied) and not left, unexplained
