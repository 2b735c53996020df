"""What an entry says of a model on a route."""

from collections.abc import Iterable, Iterator
from typing import Final

from ..answer import Part, State
from .entry import Cause, LaneEntry, RouteEntry

AS_BEFORE: Final = "as before"
"""The scenario that compares timm with an older timm: what it finds is a change of numbers, and breaks nothing."""
OF_TIMM: Final = "timm-"
"""What begins the ids of rules for what timm computes."""


def parts_of(lane: LaneEntry) -> Iterator[Part]:
    """What was measured of each model on each route of a lane."""
    return (part_of(results, model, model, "") for results in lane.routes.values() for model in results.models)


def part_of(results: RouteEntry, run: str, model: str, basis: str) -> Part:
    """What was measured of a model on a route, by the one that was run for it."""
    if run in results.open:
        return Part(results.route, model, State.UNKNOWN, run, because="it was tried, and gave no result")
    why = next((why for why, models in results.unsupported.items() if run in models), None)
    if why is not None:
        return Part(results.route, model, State.UNSUPPORTED, run, because=why.replace("MODEL", run), basis=basis)
    causes = [cause for cause in results.causes if run in cause.models]
    changed = [cause for cause in causes if _is_of_timm_alone(cause)]
    broken = [cause for cause in causes if cause not in changed]
    found = next((cause.finding for cause in broken if cause.finding), "")
    stays = [cause for cause in broken if cause.finding or not cause.remedied]
    state = State.BROKEN if stays else State.REMEDY if broken else State.WORKS
    mended = [cause for cause in broken if cause not in stays]
    return Part(results.route, model, state, run, _rules(stays), _rules(mended), _rules(changed), found, basis)


def _rules(causes: Iterable[Cause]) -> tuple[str, ...]:
    return tuple(sorted({rule for cause in causes for rule in cause.rules}))


def _is_of_timm_alone(cause: Cause) -> bool:
    """Whether it is known why timm computes otherwise than before: that breaks nothing that is loaded."""
    known = bool(cause.rules) and all(rule.startswith(OF_TIMM) for rule in cause.rules)
    return known and not cause.finding and cause.scenarios == (AS_BEFORE,)
