"""The result of an upgrade, on one screen."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

from ..config.text import number
from ..contract.case import GREEN, SKIPPED
from ..contract.finding import Finding, ScenarioLine
from ..results.judging import Judged
from ..results.pair_diff import HARM, Change, Kind
from ..results.upgrade_result import UpgradeResult
from . import causes, reproduction

SHAPES: Final = {
    Kind.BROKEN: "✘",
    Kind.OTHERWISE: "✘",
    Kind.GONE: "✘",
    Kind.FIXED: "↑",
    Kind.DRIFTED: "≈",
    Kind.NEW_BROKEN: "◐",
    Kind.NEW: "✔",
    Kind.DROPPED: "·",
}
REST: Final = (Kind.OTHERWISE, Kind.FIXED, Kind.NEW_BROKEN, Kind.DROPPED)
"""Changes that stop nobody: a line for each of the largest causes, a count of the rest."""
MOST: Final = 2  # causes of each of these
MANY: Final = 4  # routes
NAMED: Final = 5  # models


def lines(answer: UpgradeResult) -> Iterator[str]:
    """What changes and whether to move; then each cause of a break with its advice; then the other causes in short."""
    yield f"{answer.start.id} → {answer.end.id}"
    counts = [(kind, sum(change.kind is kind for change in answer.changes)) for kind in Kind]
    yield " · ".join(f"{count:,} {kind}" for kind, count in counts if count) or "Nothing changes."
    if answer.not_run:
        yield f"{number(len(answer.not_run), 'case')} not run on {answer.end.id}: {answer.not_run[0].reason}"
    if answer.unknown:
        yield f"{number(len(answer.unknown), 'case')} without a result: {answer.unknown[0].reason}"
    yield from _old_checkpoints(answer)
    yield _native_outputs(answer)
    if not answer.end.sources:
        yield from _pairs_between(answer)
        yield _advice(answer)
        if answer.specifiers:
            yield f"  {' '.join(answer.specifiers)}"
    groups = _groups(answer)
    for group in groups:
        if group[0].kind in HARM:
            yield ""
            yield from _in_full(answer, group)
    for kind in REST:
        if rest := [group for group in groups if group[0].kind is kind]:
            yield ""
            yield from (_in_short(answer, group) for group in rest[:MOST])
            if more := rest[MOST:]:
                cases = number(sum(map(len, more)), "case")
                yield f"{SHAPES[kind]} {kind} · {number(len(more), 'more cause')}, {cases}"
    yield f"Exit code {answer.exit_code}."


def _groups(answer: UpgradeResult) -> list[list[Change]]:
    """The changes to describe, grouped by kind, cause and package; the largest group of a kind first."""
    groups: dict[tuple[Kind, str, str | None], list[Change]] = {}
    for change in answer.changes:
        if change.kind in {*HARM, *REST}:
            groups.setdefault((change.kind, change.cause, answer.by.get(change.key)), []).append(change)
    return sorted(groups.values(), key=lambda group: (list(Kind).index(group[0].kind), -len(group)))


def _heading(answer: UpgradeResult, group: Sequence[Change]) -> str:
    first = group[0]
    routes = list(dict.fromkeys(change.either.case.route for change in group))
    where = ", ".join(routes) if len(routes) <= MANY else number(len(routes), "route")
    models = number(len({change.either.case.model for change in group}), "model")
    facts = [f"{SHAPES[first.kind]} {first.kind}", where, f"{models}, {number(len(group), 'case')}"]
    by = answer.by.get(first.key)
    return " · ".join([*facts, *([f"by {by}"] if by else [])])


def _in_full(answer: UpgradeResult, group: Sequence[Change]) -> Iterator[str]:
    """A cause that stops an upgrade: why, where it is tracked, what to do, and a command that shows it."""
    first = min(group, key=lambda change: change.broken.seconds or math.inf)
    yield _heading(answer, group)
    if first.kind is Kind.BROKEN and first.old and first.old.broken:
        yield from _by_scenario(first)
    broken = [change.either for change in group if change.kind is Kind.BROKEN]
    alternatives = causes.alternatives(broken, answer.new)
    if first.rule:
        tracked = f"({first.rule.url or first.rule.script})" if first.rule.url or first.rule.script else ""
        yield " ".join([f"because {first.rule.because}", tracked]).strip()
        yield " ".join([first.rule.advice, *alternatives])
    else:
        yield first.reason
        yield from alternatives
    side = answer.start if first.broken is first.old else answer.end
    yield f"  {reproduction.of_pair(side)(first.broken)}"


def _in_short(answer: UpgradeResult, group: Sequence[Change]) -> str:
    first = group[0]
    return f"{_heading(answer, group)} · {first.rule.because if first.rule else first.reason}"


def _old_checkpoints(answer: UpgradeResult) -> Iterator[str]:
    """How many checkpoints that the start saved come back when the end loads them, and why the others do not."""
    loaded = [case for case in answer.carried if case.record and case.outcome not in SKIPPED]
    if not loaded:
        why = next((case.reason for case in answer.carried), "the old pair saves none on these routes and lanes")
        yield f"No checkpoint was carried over: {why}."
        return
    green = sum(case.outcome in GREEN for case in loaded)
    yield f"Checkpoints saved by {answer.start.id} and loaded by {answer.end.id}: {green} of {len(loaded)} unchanged."
    if anyway := len(loaded) - green - len(answer.lost) - len(answer.lost_otherwise):
        yield f"{number(anyway, 'checkpoint')} broken in the same way as those that {answer.end.id} saves itself."
    for word, changes in (("lost by carrying", answer.lost), ("broken otherwise by carrying", answer.lost_otherwise)):
        by_cause: dict[str, list[Change]] = {}
        for change in changes:
            by_cause.setdefault(change.cause, []).append(change)
        for group in by_cause.values():
            first = group[0].either
            routes = ", ".join(dict.fromkeys(change.either.case.route for change in group))
            yield f"✘ {word} · {routes} · {number(len(group), 'case')}, such as {first.case.id}: {first.reason}"
            if group[0].new and len(group[0].new.scenarios) > 1:  # of a single one the reason says it
                yield from _by_scenario(group[0])


def _by_scenario(change: Change) -> Iterator[str]:
    """A line for each thing that goes wrong in scenarios on the new side alone, so that nothing else hides it.

    Scenarios in which the same goes wrong first share a line.
    """
    anyway = {(scenario.name, finding.key) for scenario, finding in _findings(change.old)}
    new: dict[str, list[Finding]] = {}
    for scenario, finding in _findings(change.new):
        if (scenario.name, finding.key) not in anyway:
            new.setdefault(scenario.name, []).append(finding)
    alike: dict[Any, list[str]] = {}
    for name, findings in new.items():
        alike.setdefault(findings[0].key, []).append(name)
    for names in alike.values():
        findings = new[names[0]]
        more = f", and {number(len(findings) - 1, 'more finding')}" if len(findings) > 1 else ""
        named = ", ".join(name for name in names if name)
        yield f"  {named}{': ' if named else ''}{findings[0].words}{more}"


def _findings(case: Judged | None) -> Iterator[tuple[ScenarioLine, Finding]]:
    for scenario in case.scenarios if case else ():
        yield from ((scenario, finding) for finding in scenario.findings)


def _native_outputs(answer: UpgradeResult) -> str:
    """Whether timm itself computes the same as before."""
    models, compared = answer.other_numbers
    if not compared:
        return "No model ran on both sides, so timm's own numbers could not be compared."
    if not models:
        return f"timm itself computes the same numbers as before: {number(compared, 'model')}."
    names = ", ".join(models[:NAMED]) + (", …" if len(models) > NAMED else "")
    return f"timm itself computes other numbers than before for {len(models)} of {number(compared, 'model')}: {names}"


def _pairs_between(answer: UpgradeResult) -> Iterator[str]:
    """The recorded pairs between both ends, so that a range is not taken for more than was tried."""
    for breaks, is_good in (("nothing", True), ("something", False)):
        if pairs := [pair.id for pair, breaks_nothing in answer.known.items() if breaks_nothing is is_good]:
            more = f" and {len(pairs) - NAMED} more" if len(pairs) > NAMED else ""
            yield f"Recorded pairs in between that break {breaks}: {', '.join(pairs[:NAMED])}{more}."
    if not answer.known:
        yield "No pair in between is on record."


def _advice(answer: UpgradeResult) -> str:
    """The pair to pin, as a sentence before its specifiers."""
    if answer.fit:
        return f"Nothing that works breaks. {answer.end.id} is fit to pin:"
    if answer.nearest:
        return f"The nearest recorded pair that breaks nothing is {answer.nearest.id}; no checkpoint was carried to it:"
    return f"No recorded pair in between is known to break nothing. Stay with {answer.start.id}:"
