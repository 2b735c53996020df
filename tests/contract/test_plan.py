"""The plan comes out of its JSON as it went in."""

from dataclasses import replace

from harness.contract.catalog import BERT
from harness.contract.plan import Bound, Costs, Pattern, Rule
from tests.plans import NO_LIMITS, plan_of

RULE = Rule(
    id="gamma-renamed",
    routes=("tower", "backbone"),
    scenarios=("hidden*",),
    models=None,
    where={"gamma_keys": True, "family": ["*.eva", "*.vit"]},
    transformers="<4.49",
    timm=None,
    torch=None,
    lanes=("cpu-float32",),
    variants=None,
    sizes=("slim",),
    finds=(Pattern("keys", how="*gamma*"), Pattern("error", "load", "RuntimeError", "*")),
    remedy="load_by_exact_names",
)
EVERYWHERE = replace(RULE, scenarios=None, models=("*",), where=None, lanes=None, variants=("bin",), sizes=None)


def test_a_plan_reads_back_equal() -> None:
    plan = plan_of(
        ["tower/a@sharded+full"],
        entries=(BERT,),
        needs={"a": (3.5, 12.0)},
        gpus=("0", "1"),
        rules=(RULE, EVERYWHERE),
        own={"target": "x:Y", "config": None, "maker": None},
        costs=Costs(seconds=Bound(ratio=10, floor=0.5), mib=Bound(ratio=2, floor=16)),
        limits=replace(NO_LIMITS, full_seconds=3600, memory_gib=8),
    )
    assert type(plan).loads(plan.dumps()) == plan


def test_a_lane_is_a_device_and_a_dtype() -> None:
    assert (plan_of([]).device, plan_of([]).dtype) == ("cpu", "float32")


def test_a_full_size_case_has_a_time_of_its_own_where_there_is_one() -> None:
    slim, full = plan_of(["wrapper/a", "wrapper/a+full"]).cases
    longer = replace(NO_LIMITS, full_seconds=3600)
    assert [longer.time_limit(case) for case in (slim, full)] == [("seconds", 300), ("full_seconds", 3600)]
    assert NO_LIMITS.time_limit(full) == ("seconds", 300)
