"""What is different between two pairs, case by case. Pure: both sides are judged already."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol

from ..contract.case import GREEN, RED
from ..contract.routes import ROUTES
from ..planning.plan import EVERY_MODEL
from .failure import fail_alike, generalised
from .verdict import Judged, Rule

Key = tuple[str, str]
"""Lane and case id."""


class Kind(StrEnum):
    """How a case changed."""

    BROKEN = "newly broken"
    OTHERWISE = "broken otherwise"
    GONE = "gone"
    FIXED = "newly fixed"
    DRIFTED = "newly drifted"
    NEW_BROKEN = "new, and broken"
    NEW = "new"


HARM: Final = (Kind.BROKEN, Kind.GONE)
"""What stops somebody who moves."""


@dataclass(frozen=True)
class Change:
    """One case that is not what it was. `old` is None where there was no such case, `new` where there is none now."""

    kind: Kind
    old: Judged | None
    new: Judged | None

    @property
    def key(self) -> Key:
        """Lane and case."""
        return key_of(self.either)

    @property
    def either(self) -> Judged:
        """The new side, or else the old one."""
        return next(side for side in (self.new, self.old) if side)

    @property
    def broken(self) -> Judged:
        """The side on which it is broken, or the new one."""
        return self.old if self.kind is Kind.FIXED and self.old else self.either

    @property
    def reason(self) -> str:
        """One line on what is wrong, or was."""
        return "there is no such case any more" if self.new is None else self.broken.reason

    @property
    def rule(self) -> Rule | None:
        """What explains it."""
        return self.broken.explanation

    @property
    def cause(self) -> str:
        """What it shares with others."""
        return self.rule.because if self.rule else generalised(self.broken)


class Tolerance(Protocol):
    """As matrix.yaml gives it for a dtype."""

    rtol: float
    atol: float


def key_of(one: Judged) -> Key:
    """Lane and case."""
    return one.lane, one.case.id


def compare(old: Iterable[Judged], new: Iterable[Judged]) -> list[Change]:
    """Every change, in the order of the new side. What was not run on a side, or has no record, is none.

    Where nobody knows the cases of a side, for want of a catalog, nothing is gone and nothing new.
    """
    before, after = ({key_of(one): one for one in side} for side in (old, new))
    keys = dict.fromkeys([*after, *before])
    if is_blind(before.values()) or is_blind(after.values()):
        keys = {key: None for key in keys if key in before and key in after}
    changes = [
        Change(kind, before.get(key), after.get(key))
        for key in keys
        if (kind := _kind(before.get(key), after.get(key)))
    ]
    return sorted(changes, key=lambda change: list(Kind).index(change.kind))


def is_blind(judged: Iterable[Judged]) -> bool:
    """Whether there was no catalog to say which cases there are."""
    return any(one.case.model == EVERY_MODEL for one in judged)


def unknown(judged: Iterable[Judged]) -> list[Judged]:
    """Planned cases without a record: nobody knows about them."""
    return [one for one in judged if one.record is None]


def _kind(old: Judged | None, new: Judged | None) -> Kind | None:
    kind = KINDS.get((state_of(old), state_of(new)))
    if kind is Kind.OTHERWISE and old and new and fail_alike(old, new):
        return None
    if kind is Kind.DRIFTED and old and new and (old.outcome, new.outcome) != ("passed", "drifted"):
        return None
    return kind


def state_of(one: Judged | None) -> str:
    """One of STATES; `none` also where there is no such case."""
    return "none" if one is None else STATES[one.outcome]


STATES: Final[Mapping[str | None, str]] = {
    **dict.fromkeys(GREEN, "green"),
    **dict.fromkeys(RED, "broken"),
    "unsupported": "none",
    "not-run": "unknown",
    None: "unknown",
}
"""How a case stands, by its outcome; None where it has no record."""

KINDS: Final[Mapping[tuple[str, str], Kind]] = {
    ("green", "broken"): Kind.BROKEN,
    ("broken", "broken"): Kind.OTHERWISE,
    ("green", "none"): Kind.GONE,
    ("broken", "green"): Kind.FIXED,
    ("green", "green"): Kind.DRIFTED,
    ("none", "broken"): Kind.NEW_BROKEN,
    ("none", "green"): Kind.NEW,
}
"""A change by the state before and after: broken otherwise unless both fail alike, drifted from passed alone."""


def attributed(change: Change, mixed: Mapping[str, Mapping[Key, Judged]]) -> str:
    """To which package a change is due: `mixed` has the case with that package alone moved, by package."""
    # A pair that could not be made has no case at all; one that lacks this case has the others.
    seen = {package: judged for package, judged in mixed.items() if judged and not is_blind(judged.values())}
    alone = [package for package, judged in seen.items() if _is_as_new(change, judged.get(change.key))]
    known = len(seen) == len(mixed) and all(state_of(one.get(change.key)) != "unknown" for one in seen.values())
    if len(alone) == 1:
        return alone[0]
    if not known:
        return "unknown: a mixed pair has no record"
    return f"either of {' and '.join(alone)}" if alone else f"{' and '.join(mixed)} together"


def _is_as_new(change: Change, there: Judged | None) -> bool:
    if there and change.new and there.broken and change.new.broken:
        return fail_alike(there, change.new)
    return state_of(there) == state_of(change.new)


def moved(
    old: Iterable[Judged], new: Iterable[Judged], tolerance: Mapping[str, Tolerance], alike: Container[str]
) -> tuple[list[str], int]:
    """The models whose native outputs differ beyond tolerance by their fingerprints, and how many were compared.

    `alike` has those that are the same model, with the same input, on both sides.
    """
    before = {key_of(one): fingerprint_of(one) for one in old}
    found: dict[str, bool] = {}
    for one in new:
        was, now = before.get(key_of(one), {}), fingerprint_of(one)
        bound = tolerance[one.lane.partition("-")[2]]
        same = [_alike(was[name], now[name], bound) for name in was.keys() & now.keys()]
        if same and one.case.model in alike:
            found[one.case.model] = found.get(one.case.model, False) or not all(same)
    return sorted(model for model, is_moved in found.items() if is_moved), len(found)


def fingerprint_of(one: Judged) -> Mapping[str, Any]:
    """By output, those that have values: an older InceptionNeXt pools to nothing."""
    found = (one.record or {}).get("fingerprint") or {}
    return {name: figures for name, figures in found.items() if "absmax" in figures}


def _alike(old: Mapping[str, Any], new: Mapping[str, Any], tolerance: Tolerance) -> bool:
    """Of one output. A figure that is not finite is null, and is like another such alone."""
    if old["shape"] != new["shape"]:
        return False
    figures = [*figures_of(old), *figures_of(new)]
    if None in figures:
        return figures_of(old) == figures_of(new)
    bound = tolerance.atol + tolerance.rtol * old["absmax"]
    return all(abs(one - two) <= bound for one, two in zip(figures_of(old), figures_of(new), strict=True))


def figures_of(output: Mapping[str, Any]) -> list[float]:
    """The statistics and samples of one output; null stands for one that is not finite."""
    return [output["mean"], output["std"], output["absmax"], *output["samples"]]


def ways_out(broken: Sequence[Judged], judged: Iterable[Judged]) -> list[str]:
    """Routes on which the same models pass, of those that may stand in for the broken one."""
    wanted = {way: None for one in broken for way in _instead(one.case.route)}
    if not wanted:
        return []
    places = {_place(one) for one in broken}
    candidates = [one for one in judged if one.case.route in wanted and state_of(one) in {"green", "broken"}]
    found = []
    for way in wanted:
        there = [one for one in candidates if one.case.route == way and _place(one) in places]
        if there and all(one.outcome in GREEN for one in there):
            found.append(way)
    return found


def _place(one: Judged) -> tuple[str, str, str]:
    return one.pair, one.lane, one.case.model


def _instead(route: str) -> tuple[str, ...]:
    """The route that does the same for a user; a user model's has none."""
    instead = ROUTES[route].instead if route in ROUTES else None
    return (instead,) if instead else ()
