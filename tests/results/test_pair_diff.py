"""Two pairs, case by case: what breaks, what is mended, through which package, and whether timm's numbers moved."""

from dataclasses import replace
from typing import Any

import pytest

from harness.config.matrix import Matrix, Tolerance
from harness.contract.case import Case
from harness.contract.routes import ROUTES
from harness.results.judging import Judged, Verdict
from harness.results.pair_diff import (
    HARM,
    Change,
    Kind,
    alternative_routes,
    compare,
    key_of,
    models_with_other_numbers,
    responsible_package,
    unknown,
)
from tests.known import known

LANE = "cpu-float32"
ALIKE = frozenset({"a", "b"})
RULE = known("keys", "renamed")


def one(outcome: str | None, *, reason: str = "", model: str = "a", route: str = "tower", **more: Any) -> Judged:
    """A judged case; one without an outcome has no record."""
    case = Case(route, model)
    rule, fields = more.pop("rule", None), {"model": model, "detail": {}, **more}
    if outcome is None:
        return Judged("p", LANE, case, Verdict.INCOMPLETE, missing="no record")
    return Judged("p", LANE, case, Verdict.AS_EXPECTED, {"outcome": outcome, "reason": reason, **fields}, rule)


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("passed", "keys", Kind.BROKEN),
        ("drifted", "crashed", Kind.BROKEN),
        ("keys", "passed", Kind.FIXED),
        ("timeout", "drifted", Kind.FIXED),
        ("keys", "tensors", Kind.OTHERWISE),
        ("passed", "unsupported", Kind.GONE),
        ("passed", "drifted", Kind.DRIFTED),
        ("unsupported", "passed", Kind.NEW),
        ("unsupported", "error", Kind.NEW_BROKEN),
        ("passed", "passed", None),
        ("drifted", "passed", None),
        ("keys", "keys", None),
        ("keys", "unsupported", None),
        ("unsupported", "unsupported", None),
        ("passed", "not-run", None),
        ("not-run", "keys", None),
        (None, "keys", None),
        ("passed", None, None),
    ],
)
def test_a_case_changes_in_one_way_or_not_at_all(old: str | None, new: str | None, kind: Kind | None) -> None:
    changes = compare([one(old)], [one(new)])
    assert [change.kind for change in changes] == ([kind] if kind else [])


def test_a_variant_that_the_new_pair_does_not_support_is_an_option_dropped_and_no_harm() -> None:
    def low_cpu_mem(outcome: str) -> Judged:
        case = Case("tower", "a", "low-cpu-mem")
        return Judged("p", LANE, case, Verdict.AS_EXPECTED, {"outcome": outcome, "model": "a", "detail": {}})

    [dropped] = compare([low_cpu_mem("passed")], [low_cpu_mem("unsupported")])
    assert dropped.kind is Kind.DROPPED
    assert dropped.kind not in HARM
    assert compare([low_cpu_mem("keys")], [low_cpu_mem("unsupported")]) == []
    [gone] = compare([low_cpu_mem("passed")], [])
    assert gone.kind is Kind.GONE
    old = [low_cpu_mem("passed"), one("passed"), one("keys", model="b")]
    new = [low_cpu_mem("unsupported"), one("unsupported"), one("passed", model="b")]
    assert [change.kind for change in compare(old, new)] == [Kind.GONE, Kind.FIXED, Kind.DROPPED]


def scenario(name: str, outcome: str) -> dict[str, object]:
    findings = [] if outcome == "passed" else [{"kind": outcome, "where": "load", "what": "x", "how": "lost"}]
    return {"name": name, "outcome": outcome, "findings": findings}


@pytest.mark.parametrize(
    ("outcome", "kind"), [("keys", Kind.BROKEN), ("tensors", Kind.BROKEN), ("passed", None)], ids=str
)
def test_what_is_broken_anyway_hides_no_scenario_that_breaks(outcome: str, kind: Kind | None) -> None:
    anyway = scenario("D-FINE", "tensors")
    old = one("tensors", reason="lost", scenarios=[scenario("DETR", "passed"), anyway])
    new = one("tensors", reason="lost", scenarios=[scenario("DETR", outcome), anyway])
    assert [change.kind for change in compare([old], [new])] == ([kind] if kind else [])


def test_a_case_that_dies_is_newly_broken_where_a_scenario_was_green() -> None:
    old = one("tensors", reason="lost", scenarios=[scenario("DETR", "passed"), scenario("D-FINE", "tensors")])
    assert [change.kind for change in compare([old], [one("timeout", reason="too long")])] == [Kind.BROKEN]
    red = one("tensors", reason="lost", scenarios=[scenario("D-FINE", "tensors")])
    assert [change.kind for change in compare([red], [one("timeout", reason="too long")])] == [Kind.OTHERWISE]


def test_a_case_that_only_one_pair_has_is_gone_or_new() -> None:
    assert [change.kind for change in compare([one("passed")], [])] == [Kind.GONE]
    assert [change.kind for change in compare([], [one("passed")])] == [Kind.NEW]
    assert [change.kind for change in compare([], [one("keys")])] == [Kind.NEW_BROKEN]
    assert compare([one("keys")], []) == []


def test_a_case_that_fails_in_the_same_way_has_not_changed_though_its_numbers_have() -> None:
    assert compare([one("keys", reason="2 of 'x'")], [one("keys", reason="3 of 'y'")]) == []
    assert [change.kind for change in compare([one("keys", reason="lost")], [one("keys", reason="renamed")])] == [
        Kind.OTHERWISE
    ]
    assert compare([one("keys", reason="lost", rule=RULE)], [one("keys", reason="renamed", rule=RULE)]) == []


def test_the_worst_comes_first() -> None:
    old = [one("keys", model="fixed"), one("passed", model="broken"), one("passed", model="gone")]
    new = [one("passed", model="fixed"), one("keys", model="broken"), one("unsupported", model="gone")]
    assert [change.kind for change in compare(old, new)] == [Kind.BROKEN, Kind.GONE, Kind.FIXED]


def test_planned_cases_without_a_record_are_unknown() -> None:
    assert [case.case.model for case in unknown([one("passed"), one(None, model="b")])] == ["b"]


@pytest.mark.parametrize(
    ("transformers", "timm", "due"),
    [
        ("keys", "passed", "transformers"),
        ("passed", "keys", "timm"),
        ("keys", "keys", "either of transformers and timm"),
        ("keys", "tensors", "transformers"),
        ("passed", "passed", "transformers and timm together"),
        ("keys", None, "transformers"),
        ("passed", None, "unknown: a mixed pair has no record"),
    ],
)
def test_a_change_is_due_to_the_package_that_brings_it_alone(
    transformers: str | None, timm: str | None, due: str
) -> None:
    [change] = compare([one("passed")], [one("keys")])
    mixed = {
        package: {key_of(judged): judged for judged in [one(outcome)]}
        for package, outcome in (("transformers", transformers), ("timm", timm))
    }
    assert responsible_package(change, mixed) == due


@pytest.mark.parametrize("new", ["keys", "unsupported", None], ids=["broken", "gone", "no such case"])
def test_a_change_whose_mixed_pair_was_not_made_is_due_to_nobody_known(new: str | None) -> None:
    change = Change(Kind.BROKEN, one("passed"), one(new) if new else None)
    assert responsible_package(change, {"transformers": {}, "timm": {}}) == "unknown: a mixed pair has no record"


def test_a_case_that_fails_otherwise_is_due_to_the_package_that_alone_makes_it_fail_so() -> None:
    [change] = compare([one("error", reason="old")], [one("error", reason="new")])
    key = key_of(one("error"))
    mixed = {"transformers": {key: one("error", reason="new")}, "timm": {key: one("error", reason="old")}}
    assert responsible_package(change, mixed) == "transformers"


def test_what_is_gone_with_its_case_says_so() -> None:
    [change] = compare([one("passed", reason="fine")], [])
    assert change.reason == "there is no such case any more"


PRINT = {"shape": [1, 3], "mean": 0.5, "std": 1.0, "absmax": 2.0, "samples": [0.1, 2.0, *[0.0] * 6]}


@pytest.mark.parametrize(
    ("change", "moves"),
    [
        ({}, False),
        ({"mean": 0.5 + 1e-6}, False),
        ({"mean": 0.51}, True),
        ({"std": 1.01}, True),
        ({"absmax": 2.01}, True),
        ({"samples": [0.1, 1.9, *[0.0] * 6]}, True),
        ({"shape": [1, 4]}, True),
        ({"mean": None}, True),
    ],
    ids=[
        *("nothing", "within tolerance", "the mean", "the deviation", "the largest", "a sample", "the shape"),
        "a figure that is not finite any more",
    ],
)
def test_timms_numbers_have_moved_where_a_figure_is_off_by_more_than_the_tolerance(
    small_matrix: Matrix,
    change: dict[str, Any],
    moves: bool,  # noqa: FBT001
) -> None:
    old, new = one("passed", fingerprint={"x": PRINT}), one("keys", fingerprint={"x": {**PRINT, **change}})
    assert models_with_other_numbers([old], [new], small_matrix.tolerances, ALIKE) == (["a"] if moves else [], 1)


@pytest.mark.parametrize(
    ("figures", "moves"),
    [
        ({"mean": 1.0}, False),
        ({"mean": 1.0 + 2**-20}, True),
        ({"mean": 0.0}, False),
        ({"mean": -(2**-20)}, True),
        ({"absmax": 2.5}, False),
        ({"absmax": 2.5 + 2**-20}, True),
    ],
    ids=[
        "above, at the bound",
        "above, past it",
        "below, at the bound",
        "below, past it",
        "largest, at",
        "largest, past",
    ],
)
def test_a_figure_that_is_off_by_just_the_tolerance_has_not_moved(
    figures: dict[str, float],
    moves: bool,  # noqa: FBT001
) -> None:
    # Binary fractions, so that the bound, 0.25 + 0.125 of the old absmax 2, is 0.5 and nothing is rounded.
    tolerances = {"float32": Tolerance(rtol=0.125, atol=0.25)}
    old, new = one("passed", fingerprint={"x": PRINT}), one("passed", fingerprint={"x": {**PRINT, **figures}})
    assert models_with_other_numbers([old], [new], tolerances, ALIKE) == (["a"] if moves else [], 1)


def test_a_lane_with_companions_has_the_tolerance_of_its_dtype(small_matrix: Matrix) -> None:
    old, new = (
        replace(one("passed", fingerprint={"x": {**PRINT, "mean": mean}}), lane="cpu-float32-companions")
        for mean in (0.5, 0.9)
    )
    assert models_with_other_numbers([old], [new], small_matrix.tolerances, ALIKE) == (["a"], 1)


def test_a_model_that_is_made_otherwise_tells_nothing_of_timms_numbers(small_matrix: Matrix) -> None:
    old, new = (one("passed", fingerprint={"x": {**PRINT, "mean": mean}}) for mean in (0.5, 0.9))
    assert models_with_other_numbers([old], [new], small_matrix.tolerances, {"b"}) == ([], 0)


def test_an_output_on_one_side_alone_or_without_values_has_not_moved(small_matrix: Matrix) -> None:
    empty = {"shape": [1, 0]}
    old = one("passed", fingerprint={"x": empty, "y": PRINT})
    assert models_with_other_numbers(
        [old], [one("passed", fingerprint={"x": empty})], small_matrix.tolerances, ALIKE
    ) == ([], 0)
    assert models_with_other_numbers([old], [one("error", fingerprint=None)], small_matrix.tolerances, ALIKE) == ([], 0)
    assert models_with_other_numbers([], [one("passed", fingerprint={"x": PRINT})], small_matrix.tolerances, ALIKE) == (
        [],
        0,
    )


def test_a_side_of_which_nobody_knows_the_cases_has_lost_none_and_brought_none() -> None:
    blind = [one(None, model="*"), one(None, model="*", route="wrapper")]
    assert compare([one("passed")], blind) == []
    assert compare(blind, [one("passed"), one("keys", route="wrapper")]) == []


def test_a_mixed_pair_of_which_nobody_knows_the_cases_leaves_the_package_unknown() -> None:
    [change] = compare([one("passed")], [one("keys")])
    blind = {key_of(case): case for case in [one(None, model="*")]}
    found = {"transformers": {change.key: one("keys")}, "timm": blind}
    assert responsible_package(change, found) == "transformers"
    assert (
        responsible_package(change, {**found, "transformers": {change.key: one("passed")}})
        == "unknown: a mixed pair has no record"
    )


def test_a_way_out_is_a_route_that_stands_in_and_passes_for_all_models_that_were_tried() -> None:
    broken = [one("keys"), one("keys", model="b")]
    green = one("passed", route="tower-wrapper")
    assert alternative_routes(broken, [replace(green, lane="cpu-bfloat16")]) == []
    assert alternative_routes(broken, [green, one("passed", route="wrapper")]) == ["tower-wrapper"]
    assert alternative_routes(broken, [green, one("keys", route="tower-wrapper", model="b")]) == []
    assert alternative_routes(broken, [one("unsupported", route="tower-wrapper")]) == []
    assert alternative_routes(broken, []) == []


def test_every_route_that_stands_in_is_a_route() -> None:
    assert {route.instead for route in ROUTES.values()} - {None} <= set(ROUTES)


def test_several_ways_out_come_in_the_order_of_what_is_broken() -> None:
    broken = [one("keys", route="hub"), one("keys"), one("keys", route="hub", model="b")]
    green = [one("passed", route="tower-wrapper"), one("passed", route="wrapper"), one("drifted", route="wrapper")]
    assert alternative_routes(broken, green) == ["wrapper", "tower-wrapper"]
