"""The answer to a move, on one screen."""

import math
from collections.abc import Iterator, Sequence
from typing import Final

from ..config.text import number
from ..contract.case import GREEN, SKIPPED
from ..results.pair_diff import HARM, Change, Kind, ways_out
from ..results.upgrade_result import Answer
from . import reproduction

SHAPES: Final = {
    Kind.BROKEN: "✘",
    Kind.OTHERWISE: "✘",
    Kind.GONE: "✘",
    Kind.FIXED: "↑",
    Kind.DRIFTED: "≈",
    Kind.NEW_BROKEN: "◐",
    Kind.NEW: "✔",
}
REST: Final = (Kind.OTHERWISE, Kind.FIXED, Kind.NEW_BROKEN)
"""What stops nobody, told in a line a cause; of the others a count will do."""
MOST: Final = 2  # causes of each of these
MANY: Final = 4  # routes
NAMED: Final = 5  # models


def lines(answer: Answer) -> Iterator[str]:
    """Whether to move, then what breaks, each cause with what to do; the rest in a line each."""
    yield f"{answer.start.id} → {answer.end.id}"
    counts = [(kind, sum(change.kind is kind for change in answer.changes)) for kind in Kind]
    yield " · ".join(f"{count:,} {kind}" for kind, count in counts if count) or "Nothing changes."
    if answer.not_run:
        yield f"{number(len(answer.not_run), 'case')} not run on {answer.end.id}: {answer.not_run[0].reason}"
    if answer.unknown:
        yield f"{number(len(answer.unknown), 'case')} without a record: {answer.unknown[0].reason}"
    yield from _carried(answer)
    yield _numbers(answer)
    yield from _on_the_way(answer)
    yield _how_far(answer)
    if answer.specifiers:
        yield f"  {' '.join(answer.specifiers)}"
    groups = _groups(answer)
    for group in groups:
        if group[0].kind in HARM:
            yield ""
            yield from _told(answer, group)
    for kind in REST:
        if rest := [group for group in groups if group[0].kind is kind]:
            yield ""
            yield from (_in_short(answer, group) for group in rest[:MOST])
            if more := rest[MOST:]:
                causes, cases = number(len(more), "cause"), number(sum(map(len, more)), "case")
                yield f"{SHAPES[kind]} {kind} · {causes} more, {cases}"
    yield f"Exit code {answer.exit_code}."


def _groups(answer: Answer) -> list[list[Change]]:
    """The changes that are told, by kind, cause and package; the largest first."""
    groups: dict[tuple[Kind, str, str | None], list[Change]] = {}
    for change in answer.changes:
        if change.kind in {*HARM, *REST}:
            groups.setdefault((change.kind, change.cause, answer.by.get(change.key)), []).append(change)
    return sorted(groups.values(), key=lambda group: (list(Kind).index(group[0].kind), -len(group)))


def _heading(answer: Answer, group: Sequence[Change]) -> str:
    first = group[0]
    routes = list(dict.fromkeys(change.either.case.route for change in group))
    places = ", ".join(routes) if len(routes) <= MANY else number(len(routes), "route")
    models = number(len({change.either.case.model for change in group}), "model")
    facts = [f"{SHAPES[first.kind]} {first.kind}", places, f"{models}, {number(len(group), 'case')}"]
    by = answer.by.get(first.key)
    return " · ".join([*facts, *([f"by {by}"] if by else [])])


def _told(answer: Answer, group: Sequence[Change]) -> Iterator[str]:
    """A cause that stops somebody: why, what to do, where it is tracked, and a case of it."""
    first = min(group, key=lambda change: change.broken.seconds or math.inf)
    yield _heading(answer, group)
    ways = ways_out([change.either for change in group if change.kind is Kind.BROKEN], answer.new)
    out = [f"Those of these models that were tried there pass on {', '.join(ways)}."] if ways else []
    if first.rule:
        tracked = f"({first.rule.url or first.rule.script})" if first.rule.url or first.rule.script else ""
        yield " ".join([f"because {first.rule.because}", tracked]).strip()
        yield " ".join([first.rule.advice, *out])
    else:
        yield first.reason
        yield from out
    side = answer.start if first.broken is first.old else answer.end
    yield f"  {reproduction.of_pair(side)(first.broken)}"


def _in_short(answer: Answer, group: Sequence[Change]) -> str:
    first = group[0]
    return f"{_heading(answer, group)} · {first.rule.because if first.rule else first.reason}"


def _carried(answer: Answer) -> Iterator[str]:
    """What becomes of checkpoints that were saved before the move."""
    loaded = [one for one in answer.carried if one.record and one.outcome not in SKIPPED]
    if not loaded:
        why = next((one.reason for one in answer.carried), "the start saves none on these routes and lanes")
        yield f"No checkpoint was carried over: {why}."
        return
    green = sum(one.outcome in GREEN for one in loaded)
    whole = f"{green} of {number(len(loaded), 'checkpoint')}"
    yield f"Saved by {answer.start.id} and loaded by {answer.end.id}, {whole} come back as they were."
    if anyway := len(loaded) - green - len(answer.lost) - len(answer.lost_otherwise):
        yield f"{anyway} fail as what {answer.end.id} saves itself does."
    for word, changes in (("lost by carrying", answer.lost), ("broken otherwise by carrying", answer.lost_otherwise)):
        causes: dict[str, list[Change]] = {}
        for change in changes:
            causes.setdefault(change.cause, []).append(change)
        for group in causes.values():
            first = group[0].either
            routes = ", ".join(dict.fromkeys(change.either.case.route for change in group))
            yield f"✘ {word} · {routes} · {number(len(group), 'case')}, as {first.case.id}: {first.reason}"


def _numbers(answer: Answer) -> str:
    """Whether timm computes the same as before."""
    models, compared = answer.moved
    if not compared:
        return "No model was computed on both sides, so nothing is known of timm's own numbers."
    if not models:
        return f"timm itself computes the same numbers as before: {number(compared, 'model')}."
    names = ", ".join(models[:NAMED]) + (", …" if len(models) > NAMED else "")
    return f"timm itself computes other numbers than before for {len(models)} of {number(compared, 'model')}: {names}"


def _on_the_way(answer: Answer) -> Iterator[str]:
    """What is known of pairs between both ends, so that nobody takes a range for more than was tried."""
    for word, is_good in (("breaks nothing", True), ("breaks something", False)):
        if pairs := [pair.id for pair, found in answer.known.items() if found is is_good]:
            more = f" and {len(pairs) - NAMED} more" if len(pairs) > NAMED else ""
            yield f"Tried on the way, and {word}: {', '.join(pairs[:NAMED])}{more}."
    if not answer.known:
        yield "No other pair on the way is on record."


def _how_far(answer: Answer) -> str:
    if answer.fit:
        return f"Nothing that works breaks. {answer.end.id} is fit to pin:"
    if answer.nearest:
        return f"The nearest pair on record that breaks nothing is {answer.nearest.id}; nothing was carried to it:"
    return f"No recorded pair on the way is known to break nothing. Until one is, stay with {answer.start.id}:"
