import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.config.lane import Lane
from harness.config.matrix import Matrix, Route, load
from harness.config.options import Options
from harness.contract.case import Case
from harness.contract.catalog import BERT, Catalog, Entry, Narrow
from harness.contract.plan import Bound, Costs, Pattern, Plan, Rule, Tolerance
from harness.planning import currency, plan
from tests import plans
from tests.arguments import parse

WHOLE = Lane("cpu-float32")
QUICK = Lane("cpu-bfloat16", "quick")


def ids(matrix: Matrix, catalog: Catalog, options: Options, lane: Lane = WHOLE) -> list[str]:
    return [case.id for case in plan.cases_of(matrix, catalog, lane, options)]


def routed(matrix: Matrix, **routes: Route) -> Matrix:
    """The matrix with these routes, a `_` in a name for its `-`."""
    return matrix.model_copy(update={"routes": {name.replace("_", "-"): route for name, route in routes.items()}})


def test_the_costliest_model_comes_first_and_its_cases_together(small_matrix: Matrix, small_catalog: Catalog) -> None:
    # tower runs on the quick models only, and eva02_large is a bigger eva02_tiny; regnetx_002 is no control here.
    assert ids(small_matrix, small_catalog, Options()) == [
        "wrapper/eva02_large",
        "wrapper/convnext_atto",
        "tower/convnext_atto",
        "wrapper/resnet18",
        "tower/resnet18",
        "wrapper/eva02_tiny",
        "tower/eva02_tiny",
    ]


def test_quick_limits_every_route(small_matrix: Matrix, small_catalog: Catalog) -> None:
    assert ids(small_matrix, small_catalog, Options(quick=True, routes=("wrapper",))) == [
        "wrapper/convnext_atto",
        "wrapper/resnet18",
        "wrapper/eva02_tiny",
    ]


def test_a_glob_narrows_and_sizes_add_up(small_matrix: Matrix, small_catalog: Catalog) -> None:
    options = Options(models=("*_tiny", "eva*"), routes=("tower",), sizes=("slim", "full", "slim"))
    assert ids(small_matrix, small_catalog, options) == ["tower/eva02_tiny", "tower/eva02_tiny+full"]


def test_a_model_that_takes_no_less_width_is_slim_where_others_are_narrow(
    small_matrix: Matrix, small_catalog: Catalog
) -> None:
    narrow = Narrow({"dims": [16]}, 5)
    entries = [replace(entry, narrow=narrow if entry.model == "convnext_atto" else None) for entry in small_catalog]
    catalog = replace(small_catalog, entries=tuple(entries))
    options = Options(quick=True, routes=("wrapper",), sizes=("narrow",))
    assert set(ids(small_matrix, catalog, options)) == {
        "wrapper/convnext_atto+narrow",
        "wrapper/resnet18",
        "wrapper/eva02_tiny",
    }
    both = replace(options, sizes=("narrow", "slim"), models=("resnet18",))
    assert ids(small_matrix, catalog, both) == ["wrapper/resnet18"]


def test_controls_are_in_wherever_the_smallest_of_their_kind(small_matrix: Matrix, small_catalog: Catalog) -> None:
    both = small_matrix.models.model_copy(update={"controls": ("regnetx_002", "resnet18")})
    matrix = small_matrix.model_copy(update={"models": both})
    assert "tower/regnetx_002" in ids(matrix, small_catalog, Options(quick=True))


@pytest.mark.parametrize("options", [Options(), Options(quick=True)], ids=["lane", "lane and option"])
def test_a_quick_lane_limits_every_route(small_matrix: Matrix, small_catalog: Catalog, options: Options) -> None:
    assert ids(small_matrix, small_catalog, options, QUICK) == [
        "wrapper/convnext_atto",
        "tower/convnext_atto",
        "wrapper/resnet18",
        "tower/resnet18",
        "wrapper/eva02_tiny",
        "tower/eva02_tiny",
    ]


@pytest.mark.parametrize(
    ("models", "planned"),
    [
        ("every", ["eva02_large", "convnext_atto", "resnet18", "eva02_tiny"]),
        ("quick", ["convnext_atto", "resnet18", "eva02_tiny"]),
        (("eva02_large",), ["eva02_large"]),
        (("res*", "eva02_*", "resnet18"), ["eva02_large", "resnet18", "eva02_tiny"]),
        (("regnetx_002", "EVA02_*", "eva02"), []),
    ],
    ids=["every", "quick", "name", "globs", "no model of the matrix"],
)
def test_a_route_runs_on_the_models_of_its_scope(
    small_matrix: Matrix, small_catalog: Catalog, models: str | tuple[str, ...], planned: list[str]
) -> None:
    matrix = routed(small_matrix, wrapper=Route.model_validate({"models": models}))
    assert ids(matrix, small_catalog, Options()) == [f"wrapper/{model}" for model in planned]


@pytest.mark.parametrize(
    ("options", "runs"),
    [
        (Options(models=("eva02_large",)), True),
        (Options(models=("eva02_l*",)), False),
        (Options(models=("eva02_large",), quick=True), False),
        (Options(models=("bert",)), False),
    ],
    ids=["named in full", "named by a glob", "named and quick", "the model that is none of timm's"],
)
def test_a_model_that_is_named_in_full_runs_on_a_route_about_other_models(
    small_matrix: Matrix, small_catalog: Catalog, options: Options, *, runs: bool
) -> None:
    about_others = Route.model_validate({"models": ("resnet18",)})
    matrix = routed(small_matrix, detector=about_others)
    expected = [f"detector/{options.models[0]}"] if runs else []
    assert ids(matrix, small_catalog, options) == expected


@pytest.mark.parametrize(
    ("options", "lane"),
    [(Options(quick=True), WHOLE), (Options(), QUICK)],
    ids=["option", "lane"],
)
def test_models_that_a_route_names_are_in_though_only_quick_ones_are_wanted(
    small_matrix: Matrix, small_catalog: Catalog, options: Options, lane: Lane
) -> None:
    matrix = routed(small_matrix, detector=Route(models=("eva02_large", "resnet18")))
    assert ids(matrix, small_catalog, options, lane) == ["detector/eva02_large", "detector/resnet18"]


def test_variants_run_beside_the_default_and_on_the_quick_models_alone(
    small_matrix: Matrix, small_catalog: Catalog
) -> None:
    matrix = routed(small_matrix, wrapper=Route(models="every", variants=("bin", "sharded")))
    assert ids(matrix, small_catalog, Options(models=("eva*",))) == [
        "wrapper/eva02_large",
        "wrapper/eva02_tiny",
        "wrapper/eva02_tiny@bin",
        "wrapper/eva02_tiny@sharded",
    ]


@pytest.mark.parametrize(
    ("variants", "planned"),
    [
        (("bin",), ["wrapper/eva02_tiny@bin"]),
        (("safetensors",), ["wrapper/eva02_large", "wrapper/eva02_tiny", "tower/eva02_tiny"]),
        (("model-args", "bin", "bin"), ["wrapper/eva02_tiny@bin", "tower/eva02_tiny@model-args"]),
        (("low-cpu-mem",), []),
    ],
    ids=["one", "the default", "two, each of another route", "of no route"],
)
def test_variants_that_are_named_leave_out_all_others(
    small_matrix: Matrix, small_catalog: Catalog, variants: tuple[str, ...], planned: list[str]
) -> None:
    matrix = routed(
        small_matrix,
        wrapper=Route(models="every", variants=("bin", "sharded")),
        tower=Route(models="quick", variants=("model-args",)),
    )
    assert ids(matrix, small_catalog, Options(models=("eva*",), variants=variants)) == planned


@pytest.mark.parametrize("models", ["every", "quick", ("*",), ("b*",)], ids=["every", "quick", "any", "its letter"])
def test_only_its_own_route_has_the_model_that_is_none_of_timms(
    small_matrix: Matrix, small_catalog: Catalog, models: str | tuple[str, ...]
) -> None:
    matrix = routed(
        small_matrix,
        wrapper=Route.model_validate({"models": models}),
        legacy_layernorm=Route(models=("bert",)),
    )
    planned = ids(matrix, small_catalog, Options())
    assert [case for case in planned if "bert" in case] == ["legacy-layernorm/bert"]
    assert [case for case in planned if "legacy" in case] == ["legacy-layernorm/bert"]


@pytest.mark.parametrize(
    ("options", "lane"),
    [(Options(quick=True), WHOLE), (Options(), QUICK), (Options(models=("bert",)), WHOLE)],
    ids=["quick", "quick lane", "named"],
)
def test_the_route_without_timm_has_its_one_case_in_every_selection(
    small_matrix: Matrix, small_catalog: Catalog, options: Options, lane: Lane
) -> None:
    matrix = routed(small_matrix, legacy_layernorm=Route(models=("bert",)))
    assert ids(matrix, small_catalog, options, lane) == ["legacy-layernorm/bert"]
    without = Catalog("1.0.31", 1371, (), ())
    assert ids(matrix, without, options, lane) == ["legacy-layernorm/bert"]


def test_without_the_route_that_has_it_the_model_that_is_none_of_timms_is_in_no_plan(
    small_matrix: Matrix, small_catalog: Catalog
) -> None:
    assert ids(small_matrix, small_catalog, Options(models=("bert",))) == []


def test_the_document_describes_the_model_that_is_none_of_timms(small_matrix: Matrix, small_catalog: Catalog) -> None:
    matrix = routed(small_matrix, legacy_layernorm=Route(models=("bert",)))
    cases = plan.cases_of(matrix, small_catalog, WHOLE, Options())
    made = planned(matrix, small_catalog, Options(), cases)
    assert made.entries == (BERT,)


def test_pairs_and_lanes_keep_the_order_of_the_matrix(small_matrix: Matrix) -> None:
    older, newer = small_matrix.pairs
    assert plan.pairs(small_matrix, Options()) == [older, newer]
    assert plan.pairs(small_matrix, Options(pairs=(newer.id,))) == [newer]
    assert [lane.name for lane in plan.lanes(small_matrix, Options())] == ["cpu-float32", "cuda-float32"]
    assert [lane.name for lane in plan.lanes(small_matrix, Options(lanes=("cuda-float32",)))] == ["cuda-float32"]


def test_no_case_at_all_is_an_error() -> None:
    error = plan.nothing_selected(Options(models=("eva02_large",), routes=("tower",), quick=True, sizes=("narrow",)))
    assert str(error) == "no case is left by --route tower --model eva02_large --quick; drop or widen an option"


def test_an_empty_selection_names_the_lane_and_the_variant_too() -> None:
    options = Options(lanes=("cpu-bfloat16",), models=("eva02_large",), variants=("bin",))
    assert str(plan.nothing_selected(options)) == (
        "no case is left by --lane cpu-bfloat16 --model eva02_large --variant bin; drop or widen an option"
    )


def test_of_the_hub_only_routes_that_read_a_checkpoint_run_and_only_as_it_is_stored(
    small_matrix: Matrix, small_catalog: Catalog
) -> None:
    routes = {name: Route(models="every", variants=("bin",)) for name in ("wrapper", "hub", "tower")}
    matrix = small_matrix.model_copy(update={"routes": routes})
    cases = plan.cases_of(
        matrix, small_catalog, matrix.lanes[0], parse(["--weights", "hub", "--model", "convnext_atto"])
    )
    assert [case.id for case in cases] == ["wrapper/convnext_atto+full", "tower/convnext_atto+full"]


def test_at_full_size_the_largest_come_first(small_matrix: Matrix, small_catalog: Catalog) -> None:
    heavy = [replace(one, params=10**9) if one.model == "resnet18" else one for one in small_catalog]
    catalog = replace(small_catalog, entries=tuple(heavy))
    first = {
        size: plan.cases_of(small_matrix, catalog, small_matrix.lanes[0], parse(["--size", size]))[0].model
        for size in ("slim", "full")
    }
    assert first == {"slim": "eva02_large", "full": "resnet18"}


def planned(
    matrix: Matrix, catalog: Catalog, options: Options, cases: Sequence[Case], handover: Mapping[str, str] | None = None
) -> Plan:
    """The plan of these cases of the second pair in the first lane."""
    return plan.plan_of(
        matrix,
        matrix.pairs[1],
        matrix.lanes[0],
        catalog,
        options=options,
        cases=cases,
        resolved_from="abc",
        handover=handover or {},
        needs={},
        room=(16.0, 100.0),
        gpus=(),
    )


def test_the_plan_holds_all_that_a_pair_needs(small_matrix: Matrix, small_catalog: Catalog) -> None:
    options = Options(models=("eva02_tiny",))
    cases = plan.cases_of(small_matrix, small_catalog, small_matrix.lanes[0], options)
    assert planned(small_matrix, small_catalog, options, cases) == Plan(
        pair={
            "id": "transformers5.23.0-timm1.0.31",
            "transformers": "5.23.0",
            "timm": "1.0.31",
            "torch": "2.14.1",
            "torchvision": "0.29.1",
            "python": "3.11",
        },
        lane="cpu-float32",
        cases=(Case("wrapper", "eva02_tiny"), Case("tower", "eva02_tiny")),
        entries=(small_catalog["eva02_tiny"],),
        same_as={},
        quick=("eva02_tiny",),
        rules=(),
        tolerance=Tolerance(rtol=1.3e-6, atol=1e-5),
        costs=None,
        limits=plans.NO_LIMITS,
        seed=0,
        selection={
            "requirements": [],
            "pairs": [],
            "lanes": [],
            "routes": [],
            "models": ["eva02_tiny"],
            "sizes": ["slim"],
            "variants": [],
            "quick": False,
        },
        cell=currency.digests(small_matrix, ("wrapper", "tower"), "1.0.31"),
        catalog=small_catalog.digest,
        lock="abc",
        handover={},
        needs={},
        room=(16.0, 100.0),
        gpus=(),
        own=None,
        weights=None,
        here=str(Path.cwd()),
        fallbacks=0,
    )


def test_the_bounds_of_costs_go_into_the_plan(
    write: Callable[[str], Path], matrix_text: str, small_catalog: Catalog
) -> None:
    costs = "costs: {seconds: {ratio: 10, floor: 0.5}, mib: {ratio: 2, floor: 16}}\n"
    matrix = load(write(matrix_text + costs))
    bounds = Costs(seconds=Bound(ratio=10, floor=0.5), mib=Bound(ratio=2, floor=16))
    assert planned(matrix, small_catalog, Options(), [Case("wrapper", "eva02_tiny")]).costs == bounds


@pytest.fixture
def with_twins(small_catalog: Catalog) -> Catalog:
    """eva02_tiny and convnext_atto are the same as eva02_large once slim."""

    def twin(one: Entry) -> Entry:
        named = one.model in {"eva02_tiny", "convnext_atto"}
        return replace(one, slim=replace(one.slim, same_as="eva02_large")) if named else one

    return replace(small_catalog, entries=tuple(map(twin, small_catalog)))


def run_as(catalog: Catalog, *cases: str) -> dict[str, str]:
    found = plan.same_as([Case.parse(case) for case in cases], catalog)
    return {case.id: other.id for case, other in found.items()}


def test_one_case_is_run_for_all_whose_models_are_the_same_once_slim(with_twins: Catalog) -> None:
    cases = ("wrapper/eva02_large", "wrapper/eva02_tiny", "wrapper/convnext_atto", "wrapper/resnet18")
    first = "wrapper/eva02_large"
    assert run_as(with_twins, *cases) == {"wrapper/eva02_tiny": first, "wrapper/convnext_atto": first}


@pytest.mark.parametrize(
    "cases",
    [
        ("tower/eva02_large", "wrapper/eva02_tiny"),
        ("wrapper/eva02_large", "wrapper/eva02_tiny@bin"),
        ("wrapper/eva02_large+full", "wrapper/eva02_tiny+full"),
        ("wrapper/convnext_atto", "wrapper/eva02_tiny"),
        ("legacy-layernorm/bert", "wrapper/eva02_large"),
    ],
    ids=["another route", "another variant", "full size", "the first is not among them", "no twin"],
)
def test_what_is_not_the_same_runs_itself(with_twins: Catalog, cases: tuple[str, ...]) -> None:
    assert run_as(with_twins, *cases) == {}


def test_models_that_are_the_same_are_in_one_part(small_matrix: Matrix, with_twins: Catalog) -> None:
    parts = [ids(small_matrix, with_twins, Options(part=(part, 2), routes=("wrapper",))) for part in (1, 2)]
    assert parts == [["wrapper/eva02_large", "wrapper/convnext_atto", "wrapper/eva02_tiny"], ["wrapper/resnet18"]]


@pytest.mark.parametrize(
    ("options", "carry", "expected"),
    [
        (Options(), {}, {"wrapper/eva02_tiny": "wrapper/eva02_large"}),
        (Options(), {"keeps": "here"}, {}),  # of each case a checkpoint is wanted
        (Options(weights="hub"), {}, {}),  # whose weights are each their own
        (Options(own="eva02_tiny"), {}, {}),
    ],
    ids=["plain", "carried", "of the hub", "somebody's own"],
)
def test_a_plan_says_which_cases_another_is_run_for(
    small_matrix: Matrix, with_twins: Catalog, options: Options, carry: dict[str, str], expected: dict[str, str]
) -> None:
    cases = [Case("wrapper", "eva02_large"), Case("wrapper", "eva02_tiny")]
    made = planned(small_matrix, with_twins, options, cases, carry)
    assert made.same_as == expected
    assert made.cases == tuple(cases)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (Options(), ("eva02_tiny", "resnet18")),
        (Options(models=("eva02_large",)), ("eva02_large", "eva02_tiny", "resnet18")),
        (Options(models=("eva02_l*",)), ("eva02_tiny", "resnet18")),
        (Options(models=("eva02_large",), quick=True), ("eva02_tiny", "resnet18")),
        (Options(own="eva02_large"), ("eva02_large", "eva02_tiny", "resnet18")),
    ],
    ids=["plain", "named in full", "named by a glob", "named and quick", "somebody's own"],
)
def test_a_plan_says_for_which_models_routes_run_all_of_their_scenarios(
    small_matrix: Matrix, small_catalog: Catalog, options: Options, expected: tuple[str, ...]
) -> None:
    cases = [Case("wrapper", model) for model in ("eva02_tiny", "eva02_large", "resnet18")]
    assert planned(small_matrix, small_catalog, options, cases).quick == expected


def test_a_model_that_is_run_for_a_quick_one_runs_all_of_its_scenarios(
    small_matrix: Matrix, with_twins: Catalog
) -> None:
    cases = [Case("wrapper", "eva02_large"), Case("wrapper", "eva02_tiny")]
    assert "eva02_large" not in planned(small_matrix, with_twins, Options(), cases[:1]).quick
    assert planned(small_matrix, with_twins, Options(), cases).quick == ("eva02_large", "eva02_tiny")


def ruled(matrix: Matrix, **fields: Any) -> Matrix:
    """The matrix with its one rule changed in these fields."""
    return matrix.model_copy(update={"expectations": (matrix.expectations[0].model_copy(update=fields),)})


def test_a_plan_has_the_rules_that_cover_the_releases_of_its_pair(small_matrix: Matrix) -> None:
    old, new = small_matrix.pairs
    [rule] = plan.rules_of(small_matrix, old)
    assert rule == Rule(
        id="renamed",
        routes=("tower",),
        scenarios=None,
        models=None,
        where={"gamma_keys": True},
        transformers="<4.49",
        timm=None,
        torch=None,
        lanes=None,
        variants=None,
        sizes=None,
        finds=(Pattern("keys", how="*"),),
        remedy="move",
    )
    assert plan.rules_of(small_matrix, new) == ()
    assert plan.rules_of(ruled(small_matrix, transformers=None, timm=">=1.0.20"), old) == ()
    assert plan.rules_of(ruled(small_matrix, transformers=None, torch="<2.13"), old) == ()


@pytest.mark.parametrize(
    ("fields", "twin"),
    [
        ({"models": ("eva02_*",), "where": None}, True),
        ({"models": ("eva02_tiny",), "where": None}, False),
        ({"models": ("eva02_large",), "where": None}, False),
        ({"models": ("eva02_tiny",), "where": None, "routes": ("tower",)}, True),
        ({"models": ("eva02_tiny",), "where": None, "lanes": ("cuda-float32",)}, True),
        ({"models": ("eva02_tiny",), "where": None, "transformers": "<5"}, True),
    ],
    ids=["for both", "for one", "for the other", "of another route", "of another lane", "of other releases"],
)
def test_a_case_is_run_for_another_only_where_the_same_rules_apply_to_both(
    small_matrix: Matrix,
    with_twins: Catalog,
    fields: dict[str, Any],
    twin: bool,  # noqa: FBT001
) -> None:
    cases = [Case("wrapper", "eva02_large"), Case("wrapper", "eva02_tiny")]
    matrix = ruled(small_matrix, **{"routes": ("wrapper",), "transformers": None, **fields})
    made = planned(matrix, with_twins, Options(), cases)
    assert made.same_as == ({"wrapper/eva02_tiny": "wrapper/eva02_large"} if twin else {})


def test_a_lane_without_variants_runs_those_that_are_named(small_matrix: Matrix, small_catalog: Catalog) -> None:
    matrix, lane = (
        routed(small_matrix, wrapper=Route(models="every", variants=("bin",))),
        Lane("cpu-float32", variants=False),
    )

    def planned(options: Options) -> list[str]:
        return [case.id for case in plan.cases_of(matrix, small_catalog, lane, options)]

    assert planned(Options(models=("eva02_tiny",), routes=("wrapper",))) == ["wrapper/eva02_tiny"]
    named = Options(models=("eva02_tiny",), routes=("wrapper",), variants=("bin",))
    assert planned(named) == ["wrapper/eva02_tiny@bin"]


@pytest.mark.parametrize(
    ("config", "options", "expected"),
    [
        ({"architecture": "eva02_tiny"}, Options(), ["wrapper/kept", "tower/kept", "own/kept"]),
        ({"architecture": "eva02_tiny"}, Options(routes=("tower",)), ["tower/kept"]),
        ({"architecture": "eva02_tiny"}, Options(maker="my:VLM"), ["own/kept"]),
        ({"model_type": "detr"}, Options(), ["own/kept"]),
    ],
    ids=["timm's", "a route", "of a class", "transformers'"],
)
def test_a_checkpoint_folder_goes_the_routes_that_its_model_has(
    tmp_path: Path,
    small_matrix: Matrix,
    small_catalog: Catalog,
    config: dict[str, str],
    options: Options,
    expected: list[str],
) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "config.json").write_text(json.dumps(config))
    (kept / "model.safetensors").touch()
    own = replace(options, own=str(kept))
    assert [case.id for case in plan.cases_of(small_matrix, small_catalog, small_matrix.lanes[0], own)] == expected


def test_a_model_of_ones_own_goes_its_one_road_in_all_formats_or_the_routes_named(
    small_matrix: Matrix, small_catalog: Catalog
) -> None:
    lane = small_matrix.lanes[0]
    ids = {
        routes: [
            case.id for case in plan.cases_of(small_matrix, small_catalog, lane, Options(own="a:B", routes=routes))
        ]
        for routes in ((), ("wrapper",))
    }
    assert ids == {(): ["own/a:B", "own/a:B@sharded", "own/a:B@bin"], ("wrapper",): ["wrapper/a:B"]}


@pytest.mark.parametrize(
    ("variants", "formats"),
    [(False, ["own/a:B"]), (True, ["own/a:B", "own/a:B@sharded", "own/a:B@bin"])],
    ids=["without variants", "with variants"],
)
def test_a_model_of_ones_own_has_other_formats_where_a_lane_has_variants(
    small_matrix: Matrix,
    small_catalog: Catalog,
    variants: bool,  # noqa: FBT001
    formats: list[str],
) -> None:
    lane = Lane("cpu-float32", variants=variants)
    assert ids(small_matrix, small_catalog, Options(own="a:B"), lane) == formats


def test_the_plan_counts_those_of_its_models_that_could_not_be_made_slim(
    small_matrix: Matrix, small_catalog: Catalog
) -> None:
    def large(entry: Entry) -> Entry:
        fallback = None if entry.model == "eva02_large" else "no smaller one builds"
        return replace(entry, slim=replace(entry.slim, fallback=fallback))

    catalog = replace(small_catalog, entries=tuple(map(large, small_catalog)))
    cases = [Case("wrapper", model) for model in ("eva02_large", "eva02_tiny", "resnet18")]
    counts = [planned(small_matrix, catalog, Options(), cases[:count]).fallbacks for count in range(4)]
    assert counts == [0, 0, 1, 2]


@pytest.mark.parametrize(
    ("options", "left"),
    [
        (Options(pairs=("a",), requirements=("timm==1.0.31",), models=("eva*",)), "--model 'eva*'"),
        (Options(pairs=("a",), requirements=("timm==1.0.31",)), "matrix.yaml"),
    ],
    ids=["an option", "no option"],
)
def test_that_no_case_is_left_is_not_put_down_to_the_pair(options: Options, left: str) -> None:
    assert str(plan.nothing_selected(options)) == f"no case is left by {left}; drop or widen an option"
