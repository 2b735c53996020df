"""Which cases a lane of a pair has, and the plan that takes them into the pair's environment."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from ..config.errors import NothingSelected
from ..config.matrix import Lane, Matrix, Route
from ..config.options import Options, in_words
from ..config.pair import Pair
from ..contract.case import DEFAULT_SIZE, DEFAULT_VARIANT, OWN_VARIANTS, SEED, Case, Size
from ..contract.catalog import BERT, Catalog, Entry
from ..contract.checkpoint import Checkpoint, is_path
from ..contract.plan import Limits, Plan, Tolerance
from ..contract.routes import OWN, ROUTES, Takes
from . import currency

EVERY_MODEL: Final = "*"
"""The model of a case that stands for all of a route, where no catalog says which there are."""


def cases_of(matrix: Matrix, catalog: Catalog, lane: Lane, options: Options) -> list[Case]:
    """The cases of one pair's lane: the costliest model first, all cases of a model together."""
    if options.own:
        return _own(matrix, lane, options, options.own)
    tried = [*(entry for entry in catalog if matrix.tries(entry)), BERT]
    quick = {entry.model for entry in catalog.smallest_of_each_kind()} | set(matrix.models.controls) | options.quick_too
    narrow = options.quick or lane.models == "quick"
    ways = [
        (route, variant)
        for route in _routes(matrix, options)
        for variant in _variants(matrix.routes[route], lane, options)
    ]
    order = sorted(tried, key=lambda entry: (-_cost(entry, options), entry.model))
    # Models that are the same once slim belong together, so that one can be run for all.
    places = {first: place for place, first in enumerate(dict.fromkeys(map(_first, order)))}
    return [
        Case(route, entry.model, variant, size)
        for entry in order
        if _is_named(entry, options) and _is_in_part(places[_first(entry)], options)
        for is_quick in [entry.model in quick or options.named_anyway or _is_named_in_full(entry, options)]
        for size in map(Size, dict.fromkeys(options.sizes))
        for route, variant in ways
        if _in_scope(matrix.routes[route], entry, is_quick=is_quick, narrow=narrow or variant != DEFAULT_VARIANT)
    ]


def _first(entry: Entry) -> str:
    return entry.slim.same_as or entry.model


def _cost(entry: Entry, options: Options) -> int:
    return entry.params if Size.FULL in options.sizes else entry.slim.params


def _own(matrix: Matrix, lane: Lane, options: Options, target: str) -> list[Case]:
    """A model of somebody's own by its one road, and the checkpoint of a timm model, or what is named, by timm's."""
    if is_path(target):
        checkpoint = Checkpoint.read(Path(target))
        name, architecture = checkpoint.name, None if options.maker else checkpoint.architecture
        timms = [route for route in _routes(matrix, options) if architecture and Takes.FOLDER in ROUTES[route].takes]
        variants, routes = [DEFAULT_VARIANT], [*timms, *([] if options.routes else [OWN])]
    else:
        name, variants, routes = target, list(OWN_VARIANTS if lane.variants else OWN_VARIANTS[:1]), [OWN]
        if options.routes:
            variants, routes = [DEFAULT_VARIANT], _routes(matrix, options)
    kept = [variant for variant in variants if not options.variants or variant in options.variants]
    return [Case(route, name, variant) for route in routes for variant in kept]


def _in_scope(route: Route, entry: Entry, *, is_quick: bool, narrow: bool) -> bool:
    """Whether a route runs on a model; `narrow` where a lane, a variant or an option leaves the quick models alone."""
    if entry is BERT:
        return route.models == (BERT.model,)  # a glob means models of timm, also where it would match this name
    if not isinstance(route.models, str):
        return any(fnmatchcase(entry.model, glob) for glob in route.models)
    return is_quick or (route.models == "every" and not narrow)


def _variants(route: Route, lane: Lane, options: Options) -> list[str]:
    """The default variant and the route's own, as far as the options, or else the lane, leave them."""
    if options.variants:
        return [name for name in (DEFAULT_VARIANT, *route.variants) if name in options.variants]
    return [DEFAULT_VARIANT, *(route.variants if lane.variants and not options.from_hub else ())]


def stand_ins(matrix: Matrix, options: Options) -> list[Case]:
    """A case a route that stands for all its models, where no catalog says which there are."""
    return [Case(route, EVERY_MODEL) for route in _routes(matrix, options)]


def _routes(matrix: Matrix, options: Options) -> list[str]:
    there = [name for name in matrix.routes if not options.from_hub or Takes.HUB in ROUTES[name].takes]
    return [name for name in there if not options.routes or name in options.routes]


def _is_named(entry: Entry, options: Options) -> bool:
    return not options.models or any(fnmatchcase(entry.model, glob) for glob in options.models)


def _is_in_part(place: int, options: Options) -> bool:
    """Dealt out like cards, the costliest first, so that parts are about equal, and a model is whole in one of them."""
    part, of = options.part or (1, 1)
    return place % of == part - 1


def _is_named_in_full(entry: Entry, options: Options) -> bool:
    """Who names one model, and not a glob, wants it on every route; --quick narrows that again."""
    return entry.model in options.models and not options.quick


def pairs(matrix: Matrix, options: Options) -> list[Pair]:
    """The pairs of the matrix that the options leave."""
    return [pair for pair in matrix.pairs if not options.pairs or pair.id in options.pairs]


def lanes(matrix: Matrix, options: Options) -> list[Lane]:
    """The lanes of the matrix that the options leave."""
    return [lane for lane in matrix.lanes if not options.lanes or lane.name in options.lanes]


def refuse_empty(total: int, options: Options) -> None:
    """Raises NothingSelected where all pairs and lanes together have no case."""
    if total == 0:
        left = in_words(replace(options, pairs=(), requirements=())) or options.matrix
        raise NothingSelected(f"no case is left by {left}; drop or widen an option")


def plan_of(  # noqa: PLR0913 - a plan is made of all these
    matrix: Matrix,
    pair: Pair,
    lane: Lane,
    catalog: Catalog,
    *,
    options: Options,
    cases: Sequence[Case],
    resolved_from: str | None,
    handover: Mapping[str, str],
    needs: Mapping[str, tuple[float, float]],
    room: tuple[float, float],
    gpus: Sequence[str],
) -> Plan:
    """The plan of these cases; its fields are described where Plan is."""
    models = {case.model for case in cases}
    alike = {} if handover or options.own or options.from_hub else same_as(cases, catalog)
    return Plan(
        pair={"id": pair.id, **pair.versions},
        lane=lane.name,
        cases=tuple(cases),
        entries=tuple(entry for entry in (*catalog, BERT) if entry.model in models),
        same_as={case.id: other.id for case, other in alike.items()},
        tolerance=Tolerance(**matrix.tolerances[lane.dtype].model_dump()),
        limits=Limits(**matrix.limits.of_a_case),
        seed=SEED,
        selection=options.selection,
        cell=currency.digests(matrix, dict.fromkeys(case.route for case in cases)),
        catalog=catalog.digest,
        lock=resolved_from,
        handover=handover,
        needs=needs,
        room=room,
        gpus=tuple(gpus),
        own=options.asked,
        weights=options.weights if options.from_hub else None,
        here=str(options.here.resolve()),
        fallbacks=sum(entry.model in models and entry.slim.fallback is not None for entry in catalog),
    )


def same_as(cases: Sequence[Case], catalog: Iterable[Entry]) -> dict[Case, Case]:
    """The cases that another of these is run for too, since their models are the same once slim, with that other."""
    first = {entry.model: entry.slim.same_as for entry in catalog if entry.slim.same_as}
    others = {
        case: replace(case, model=first[case.model])
        for case in cases
        if case.size == DEFAULT_SIZE and case.model in first
    }
    there = set(cases)
    return {case: other for case, other in others.items() if other in there}
