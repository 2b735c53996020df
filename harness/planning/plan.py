"""The cases of a pair's lane, and the plan that takes them into the pair's environment."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from ..config.errors import NothingSelected
from ..config.expectation import Rule as Expected
from ..config.lane import Lane
from ..config.matrix import Matrix, Route
from ..config.options import Options, in_words
from ..config.pair import Pair
from ..contract.case import DEFAULT_SIZE, DEFAULT_VARIANT, OWN_VARIANTS, SEED, Case, Size
from ..contract.catalog import BERT, Catalog, Entry
from ..contract.checkpoint import Checkpoint, is_path
from ..contract.matching import applying, covers_releases
from ..contract.plan import Costs, Limits, Plan, Rule, Tolerance
from ..contract.routes import COMPANION_OF, OWN, ROUTES, Takes
from . import currency

EVERY_MODEL: Final = "*"
"""The model of the case that stands for all models of a route while there is no catalog."""


def cases_of(matrix: Matrix, catalog: Catalog, lane: Lane, options: Options) -> list[Case]:
    """The cases of a pair's lane, the largest model first, all cases of a model together."""
    if options.own:
        return _user_model_cases(matrix, lane, options, options.own)
    tried = [*(entry for entry in catalog if matrix.tries(entry)), BERT]
    quick = quick_models(matrix, catalog, options)
    narrow = options.quick or lane.models != "every"
    routes = [name for name in _routes(matrix, options) if lane.companions or not ROUTES[name].companion]
    variants = {name: _variants(matrix.routes[name], lane, options) for name in routes}
    stored = {route: {name: narrow or name != DEFAULT_VARIANT for name in names} for route, names in variants.items()}
    order = sorted(tried, key=lambda entry: (-_cost(entry, options), entry.model))
    # Models with the same slim form get one rank, so that a part of the models holds all of them, and one is run.
    ranks = {first: rank for rank, first in enumerate(dict.fromkeys(map(_first, order)))}
    return [
        Case(route, entry.model, variant, size)
        for entry in order
        if _is_named(entry, options) and _is_in_part(ranks[_first(entry)], options)
        if lane.has(entry.model) or _is_named_in_full(entry, options)
        for size in dict.fromkeys(_size(entry, size) for size in options.sizes)
        for route, narrowness in stored.items()
        for variant in _of_scope(
            matrix.routes[route],
            entry,
            narrowness,
            is_quick=entry.model in quick,
            is_named=_is_named_in_full(entry, options),
        )
    ]


def quick_models(matrix: Matrix, catalog: Catalog, options: Options) -> frozenset[str]:
    """The models that run on every route, in all of its scenarios: one of each kind, the controls, and those named."""
    quick = {entry.model for entry in catalog.smallest_of_each_kind()} | set(matrix.models.controls) | options.quick_too
    named = (entry.model for entry in catalog if options.named_alone or _is_named_in_full(entry, options))
    return frozenset(quick).union(named)


def _first(entry: Entry) -> str:
    return entry.slim.same_as or entry.model


def _cost(entry: Entry, options: Options) -> int:
    return max(entry.params_at(size) for size in options.sizes)


def _size(entry: Entry, size: str) -> Size:
    """The size at which a model runs if this one is asked for: what takes no less width is slim."""
    return Size.SLIM if size == Size.NARROW and entry.narrow is None else Size(size)


def _user_model_cases(matrix: Matrix, lane: Lane, options: Options, target: str) -> list[Case]:
    """The cases of a user model: its own route, and for a timm checkpoint or named routes those of timm's models."""
    if is_path(target):
        checkpoint = Checkpoint.read(Path(target))
        name, architecture = checkpoint.name, None if options.maker else checkpoint.architecture
        reading = [route for route in _routes(matrix, options) if architecture and Takes.FOLDER in ROUTES[route].takes]
        variants, routes = [DEFAULT_VARIANT], [*reading, *([] if options.routes else [OWN])]
    else:
        name, variants, routes = target, list(OWN_VARIANTS if lane.variants else OWN_VARIANTS[:1]), [OWN]
        if options.routes:
            variants, routes = [DEFAULT_VARIANT], _routes(matrix, options)
    variants = [variant for variant in variants if not options.variants or variant in options.variants]
    return [Case(route, name, variant) for route in routes for variant in variants]


def _of_scope(
    route: Route, entry: Entry, variants: Mapping[str, bool], *, is_quick: bool, is_named: bool
) -> Iterable[str]:
    """Those of the route's variants that run on a model, which is perhaps named in full.

    Each variant comes with whether it is narrow: whether it runs on the quick models alone.
    """
    is_of_bert = route.models == (BERT.model,)
    if entry is BERT or is_of_bert:  # globs mean models of timm, even one that matches this name
        return variants if entry is BERT and is_of_bert else ()
    if isinstance(route.models, str):
        wide = [name for name, narrow in variants.items() if not narrow] if route.models == "every" else ()
        return variants if is_quick else wide
    return variants if is_named or any(fnmatchcase(entry.model, glob) for glob in route.models) else ()


def _variants(route: Route, lane: Lane, options: Options) -> list[str]:
    """The default variant and the route's others, restricted by the options or else by the lane.

    Variants that need a companion run where companions are, and others beside the default where none is.
    """
    there = [DEFAULT_VARIANT, *(name for name in route.variants if lane.companions == (name in COMPANION_OF))]
    if options.variants:
        return [name for name in there if name in options.variants]
    return there if lane.variants and not options.from_hub else [DEFAULT_VARIANT]


def stand_ins(matrix: Matrix, options: Options) -> list[Case]:
    """One case per route that stands for all its models while there is no catalog."""
    return [Case(route, EVERY_MODEL) for route in _routes(matrix, options)]


def _routes(matrix: Matrix, options: Options) -> list[str]:
    routes = [name for name in matrix.routes if not options.from_hub or Takes.HUB in ROUTES[name].takes]
    return [name for name in routes if not options.routes or name in options.routes]


def _is_named(entry: Entry, options: Options) -> bool:
    return not options.models or any(fnmatchcase(entry.model, glob) for glob in options.models)


def _is_in_part(rank: int, options: Options) -> bool:
    """Deal models out by rank, the largest first: parts are about equal, and each model is in one of them."""
    part, parts = options.part or (1, 1)
    return rank % parts == part - 1


def _is_named_in_full(entry: Entry, options: Options) -> bool:
    """Whether the model is named without a glob: then it runs on every route, unless --quick is given."""
    return entry.model in options.models and not options.quick


def pairs(matrix: Matrix, options: Options) -> list[Pair]:
    """The selected pairs of the matrix."""
    return [pair for pair in matrix.pairs if not options.pairs or pair.id in options.pairs]


def lanes(matrix: Matrix, options: Options) -> list[Lane]:
    """The selected lanes of the matrix."""
    return [lane for lane in matrix.lanes if not options.lanes or lane.name in options.lanes]


def nothing_selected(options: Options) -> NothingSelected:
    """The error for options that leave no case in any pair and lane."""
    selection = in_words(replace(options, pairs=(), requirements=())) or options.matrix
    return NothingSelected(f"no case is left by {selection}; drop or widen an option")


def plan_of(  # noqa: PLR0913 - a plan needs all of these
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
    """The plan of these cases; `Plan` describes its fields."""
    models = {case.model for case in cases}
    rules = rules_of(matrix, pair)
    twins = {} if handover or options.own or options.from_hub else same_as(cases, catalog)
    twins = _with_same_rules(twins, rules, lane, catalog)
    quick = models if options.own else quick_models(matrix, catalog, options)
    quick = quick.union(other.model for case, other in twins.items() if case.model in quick)
    return Plan(
        pair={"id": pair.id, **pair.versions},
        lane=lane.name,
        cases=tuple(cases),
        entries=tuple(entry for entry in (*catalog, BERT) if entry.model in models),
        same_as={case.id: other.id for case, other in twins.items()},
        quick=tuple(sorted(models & quick)),
        rules=rules,
        tolerance=Tolerance(**matrix.tolerances[lane.dtype].model_dump()),
        costs=Costs.of(None if matrix.costs is None else matrix.costs.model_dump()),
        limits=Limits(**matrix.limits.of_a_case),
        seed=SEED,
        selection=options.selection,
        cell=currency.digests(matrix, dict.fromkeys(case.route for case in cases), pair.timm),
        catalog=catalog.digest,
        lock=resolved_from,
        handover=handover,
        needs=needs,
        room=room,
        gpus=tuple(gpus),
        own=options.user_model,
        weights=options.weights if options.from_hub else None,
        here=str(options.here.resolve()),
        fallbacks=sum(entry.model in models and entry.slim.fallback is not None for entry in catalog),
    )


def _with_same_rules(
    twins: Mapping[Case, Case], rules: Sequence[Rule], lane: Lane, catalog: Catalog
) -> dict[Case, Case]:
    """The cases to which the same rules apply as to the case run in their stead: it is run with their remedies."""

    def rules_for(case: Case) -> list[Rule]:
        return applying(rules, case, lane.name, catalog[case.model])

    return {case: other for case, other in twins.items() if rules_for(case) == rules_for(other)}


def expectations_of(matrix: Matrix, pair: Pair) -> list[Expected]:
    """The rules that cover the pair's releases."""
    return [rule for rule in matrix.expectations if covers_releases(rule, pair.transformers, pair.timm, pair.torch)]


def rules_of(matrix: Matrix, pair: Pair) -> tuple[Rule, ...]:
    """The same, as a plan carries them."""
    return tuple(rule.planned for rule in expectations_of(matrix, pair))


def same_as(cases: Sequence[Case], catalog: Iterable[Entry]) -> dict[Case, Case]:
    """Case -> the case run in its stead, for cases whose models have the same slim form as that of another case."""
    first = {entry.model: entry.slim.same_as for entry in catalog if entry.slim.same_as}
    others = {
        case: replace(case, model=first[case.model])
        for case in cases
        if case.size == DEFAULT_SIZE and case.model in first
    }
    planned = set(cases)
    return {case: other for case, other in others.items() if other in planned}
