"""The changes between two pairs, case by case. Pure: takes verdicts."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol

from ..contract import lane_name
from ..contract.case import DEFAULT_VARIANT, GREEN, RED
from ..contract.routes import ROUTES
from ..planning.plan import EVERY_MODEL
from .explaining import Rule
from .failure import fail_alike, generalised, newly_broken
from .judging import Judged

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
    DROPPED = "option dropped"
    """A variant that the new pair does not support, as `low_cpu_mem_usage` in transformers 5; the route is open."""


HARM: Final = (Kind.BROKEN, Kind.GONE)
"""The changes that speak against an upgrade."""


@dataclass(frozen=True)
class Change:
    """A changed case. `old` is None if the old side lacks the case, `new` if the new side does."""

    kind: Kind
    old: Judged | None
    new: Judged | None

    @property
    def key(self) -> Key:
        """Lane and case id."""
        return key_of(self.either)

    @property
    def either(self) -> Judged:
        """The new side if it has the case, else the old side."""
        return next(side for side in (self.new, self.old) if side)

    @property
    def broken(self) -> Judged:
        """The broken side: the old side of a newly fixed case, else the new side."""
        return self.old if self.kind is Kind.FIXED and self.old else self.either

    @property
    def reason(self) -> str:
        """One line on the failure of the broken side."""
        return "there is no such case any more" if self.new is None else self.broken.reason

    @property
    def rule(self) -> Rule | None:
        """The rule that explains the failure."""
        return self.broken.explanation

    @property
    def cause(self) -> str:
        """The cause that the failure shares with others."""
        return self.rule.because if self.rule else generalised(self.broken)


class Tolerance(Protocol):
    """The tolerance of a dtype in matrix.yaml."""

    rtol: float
    atol: float


def key_of(case: Judged) -> Key:
    """Lane and case id."""
    return case.lane, case.case.id


def compare(old: Iterable[Judged], new: Iterable[Judged]) -> list[Change]:
    """All changes, sorted by kind. Cases that were not run, or have no record on one side, do not change.

    If a side has no catalog, no case is gone or new.
    """
    before, after = ({key_of(case): case for case in side} for side in (old, new))
    keys = dict.fromkeys([*after, *before])
    if lacks_catalog(before.values()) or lacks_catalog(after.values()):
        keys = {key: None for key in keys if key in before and key in after}
    changes = [
        Change(kind, before.get(key), after.get(key))
        for key in keys
        if (kind := _kind(before.get(key), after.get(key)))
    ]
    return sorted(changes, key=lambda change: list(Kind).index(change.kind))


def lacks_catalog(judged: Iterable[Judged]) -> bool:
    """Whether these are stand-ins for the cases of an unknown catalog."""
    return any(case.case.model == EVERY_MODEL for case in judged)


def unknown(judged: Iterable[Judged]) -> list[Judged]:
    """The planned cases without a record."""
    return [case for case in judged if case.record is None]


def _kind(old: Judged | None, new: Judged | None) -> Kind | None:
    kind = KINDS.get((state_of(old), state_of(new)))
    if kind is Kind.GONE and new and new.case.variant != DEFAULT_VARIANT:
        return Kind.DROPPED  # where the whole route is gone, its default variant says so
    if kind is Kind.OTHERWISE and old and new:
        if newly_broken(old, new):
            return Kind.BROKEN
        return None if fail_alike(old, new) else kind
    if kind is Kind.DRIFTED and old and new and (old.outcome, new.outcome) != ("passed", "drifted"):
        return None
    return kind


def state_of(case: Judged | None) -> str:
    """The state of a case by STATES; `none` for a missing case."""
    return "none" if case is None else STATES[case.outcome]


STATES: Final[Mapping[str | None, str]] = {
    **dict.fromkeys(GREEN, "green"),
    **dict.fromkeys(RED, "broken"),
    "unsupported": "none",
    "not-run": "unknown",
    None: "unknown",
}
"""Outcome -> state. None stands for no record."""

KINDS: Final[Mapping[tuple[str, str], Kind]] = {
    ("green", "broken"): Kind.BROKEN,
    ("broken", "broken"): Kind.OTHERWISE,
    ("green", "none"): Kind.GONE,
    ("broken", "green"): Kind.FIXED,
    ("green", "green"): Kind.DRIFTED,
    ("none", "broken"): Kind.NEW_BROKEN,
    ("none", "green"): Kind.NEW,
}
"""(old state, new state) -> change. Broken cases that fail alike did not change; only a passed case can drift."""


def responsible_package(change: Change, mixed: Mapping[str, Mapping[Key, Judged]]) -> str:
    """The package that brought a change. `mixed` has, by package, the verdicts with only that package moved."""
    # A pair that could not be installed has no cases at all; a pair that lacks only this case has others.
    tried = {package: judged for package, judged in mixed.items() if judged and not lacks_catalog(judged.values())}
    alone = [package for package, judged in tried.items() if _is_as_new(change, judged.get(change.key))]
    states = [state_of(judged.get(change.key)) for judged in tried.values()]
    known = len(tried) == len(mixed) and "unknown" not in states
    if len(alone) == 1:
        return alone[0]
    if not known:
        return "unknown: a mixed pair has no record"
    return f"either of {' and '.join(alone)}" if alone else f"{' and '.join(mixed)} together"


def _is_as_new(change: Change, mixed: Judged | None) -> bool:
    if mixed and change.new and mixed.broken and change.new.broken:
        if change.kind is Kind.BROKEN and change.old and change.old.broken:
            return newly_broken(change.old, mixed) == newly_broken(change.old, change.new)
        return fail_alike(mixed, change.new)
    return state_of(mixed) == state_of(change.new)


def models_with_other_numbers(
    old: Iterable[Judged], new: Iterable[Judged], tolerance: Mapping[str, Tolerance], alike: Container[str]
) -> tuple[list[str], int]:
    """The models whose native outputs differ beyond tolerance by their fingerprints, and the number compared.

    Only models in `alike` are compared: the same model with the same input on both sides.
    """
    before = {key_of(case): fingerprint_of(case) for case in old}
    differs: dict[str, bool] = {}
    for case in new:
        was, now = before.get(key_of(case), {}), fingerprint_of(case)
        bound = tolerance[lane_name.dtype(case.lane)]
        same = [_alike(was[name], now[name], bound) for name in was.keys() & now.keys()]
        if same and case.case.model in alike:
            differs[case.case.model] = differs.get(case.case.model, False) or not all(same)
    return sorted(model for model, other in differs.items() if other), len(differs)


def fingerprint_of(case: Judged) -> Mapping[str, Any]:
    """Output -> figures, for outputs with values: an older InceptionNeXt pools to an empty tensor."""
    fingerprint = (case.record or {}).get("fingerprint") or {}
    return {name: figures for name, figures in fingerprint.items() if "absmax" in figures}


def _alike(old: Mapping[str, Any], new: Mapping[str, Any], tolerance: Tolerance) -> bool:
    """Whether two figures of one output agree within tolerance. Null stands for not finite, and equals only null."""
    if old["shape"] != new["shape"]:
        return False
    figures = [*figures_of(old), *figures_of(new)]
    if None in figures:
        return figures_of(old) == figures_of(new)
    bound = tolerance.atol + tolerance.rtol * old["absmax"]
    return all(abs(was - now) <= bound for was, now in zip(figures_of(old), figures_of(new), strict=True))


def figures_of(output: Mapping[str, Any]) -> list[float]:
    """The statistics and samples of one output; null stands for not finite."""
    return [output["mean"], output["std"], output["absmax"], *output["samples"]]


def alternative_routes(broken: Sequence[Judged], judged: Iterable[Judged]) -> list[str]:
    """The recommended replacements of the broken routes on which the same models pass."""
    routes = {route: None for case in broken for route in _instead(case.case.route)}
    if not routes:
        return []
    models = {_model(case) for case in broken}
    candidates = [case for case in judged if case.case.route in routes and state_of(case) in {"green", "broken"}]
    passing = []
    for route in routes:
        same = [case for case in candidates if case.case.route == route and _model(case) in models]
        if same and all(case.outcome in GREEN for case in same):
            passing.append(route)
    return passing


def _model(case: Judged) -> tuple[str, str, str]:
    return case.pair, case.lane, case.case.model


def _instead(route: str) -> tuple[str, ...]:
    """The route to recommend instead; none for the route of user models."""
    instead = ROUTES[route].instead if route in ROUTES else None
    return (instead,) if instead else ()
