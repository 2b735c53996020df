"""The remarks below a result: on rules, on copied results, and on GPU and CPU."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from harness.config.expectation import Rule
from harness.contract.case import Case
from harness.report import remarks
from harness.report.formats.columns import NONE, data
from harness.results.judging import Judged, judge
from harness.results.store import Recorded
from tests.summaries import NEW, cases, summary

TODAY = date(2026, 11, 25)
OTHER = "tower/b"


def rule(because: str, outcome: str = "keys", until: date | None = None) -> Rule:
    return Rule(routes=("tower",), models=("*",), outcome=outcome, because=because, advice="move", until=until)


def on_rules(rules: list[Rule], *matching: Rule, whole: bool = True) -> list[str]:
    """With two cases that the `matching` rules match: one came out as keys, the other has no record."""
    record = {"outcome": "keys", "reason": "", "model": "a", "detail": {}}
    recorded = Recorded("p", "l", {"tower/a": record})
    judged = judge([Case("tower", "a"), Case.parse(OTHER)], recorded, lambda _: matching)
    return list(remarks.on_rules(rules, judged, TODAY, torches={"2.14.1"}, whole=whole))


def test_rules_that_match_cases_before_their_date_need_no_remark() -> None:
    current = rule("renamed", until=TODAY)
    assert on_rules([current], current) == []


def test_a_rule_past_its_date_is_named() -> None:
    overdue = rule("renamed", until=date(2026, 11, 24))
    assert on_rules([overdue], overdue) == ["expectations[0] was due for review by 2026-11-24: renamed"]


def test_rules_without_a_case_are_named_where_the_whole_matrix_was_judged() -> None:
    idle, busy, late = rule("a"), rule("b"), rule("c")
    assert on_rules([idle, busy, late], busy) == [
        "No case of these pairs matches expectations[0] (a); expectations[2] (c)."
    ]
    assert on_rules([idle, busy, late], busy, whole=False) == []


def test_a_rule_of_a_torch_that_no_pair_has_is_not_idle_for_that() -> None:
    idle = rule("a")
    assert on_rules([idle.model_copy(update={"torch": "<2.13"})]) == []
    assert on_rules([idle.model_copy(update={"torch": ">=2.13"})]) == [
        "No case of these pairs matches expectations[0] (a)."
    ]


def test_a_case_that_two_rules_explain_is_named_with_both() -> None:
    keys, keys_too, tensors = rule("a"), rule("b"), rule("c", "tensors")
    assert on_rules([keys, keys_too, tensors], keys, keys_too, tensors) == [
        "expectations[0] (a) and expectations[1] (b) each explain 1 case, such as p tower/a. Narrow one of them."
    ]
    assert on_rules([keys, tensors], keys, tensors) == []


def fingerprint(mean: float, absmax: float = 2.0, shape: tuple[int, ...] = (1, 8)) -> dict[str, Any]:
    """As a record has it."""
    return {"logits": {"shape": list(shape), "mean": mean, "std": 1.0, "absmax": absmax, "samples": [0.5] * 8}}


def on(lane: str, **prints: dict[str, Any] | None) -> list[Judged]:
    """Passing cases with these fingerprints, by model."""
    judged = cases(NEW, {f"tower/{model}": ("passed", None) for model in prints}, lane=lane)
    return [replace(case, record={**(case.record or {}), "fingerprint": prints[case.case.model]}) for case in judged]


def test_the_furthest_from_the_cpu_is_given_as_a_share_of_its_largest_value() -> None:
    cpu = on("cpu-float32", a=fingerprint(0.1), b=fingerprint(0.1), c=fingerprint(0.1))
    gpu = on("cuda-float32", a=fingerprint(0.1), b=fingerprint(0.102), d=fingerprint(9.0))
    assert list(remarks.on_gpus([*cpu, *gpu])) == [
        (
            "On cuda-float32 native timm's outputs differ from those on cpu-float32 by up to 1.0e-03 of their largest "
            f"value, in 2 cases; most in {NEW} tower/b."
        )
    ]


@pytest.mark.parametrize(
    ("lane", "nearest"),
    [("cuda-bfloat16", "cpu-bfloat16"), ("cuda-float16", "cpu-float32")],
    ids=["the same dtype", "float32 if there is none"],
)
def test_a_lane_is_compared_with_the_nearest(lane: str, nearest: str) -> None:
    lanes = ("cpu-float32", "cpu-bfloat16", lane)
    (remark,) = remarks.on_gpus([case for name in lanes for case in on(name, a=fingerprint(0.1))])
    assert f"differ from those on {nearest} by up to 0.0e+00 of their largest value, in 1 case;" in remark


def test_another_shape_differs_by_all_of_it() -> None:
    cpu, gpu = on("cpu-float32", a=fingerprint(0.1)), on("cuda-float32", a=fingerprint(0.1, shape=(1, 9)))
    (remark,) = remarks.on_gpus([*cpu, *gpu])
    assert "by up to 1.0e+00 of" in remark


def test_figures_that_are_not_finite_on_either_side_are_not_compared() -> None:
    unknown = {"shape": [1, 8], "mean": None, "std": None, "absmax": None, "samples": [None] * 8}
    for cpu, gpu in ((fingerprint(0.1), {"logits": unknown}), ({"logits": unknown}, fingerprint(0.1))):
        (remark,) = remarks.on_gpus([*on("cpu-float32", a=cpu), *on("cuda-float32", a=gpu)])
        assert "by up to 0.0e+00 of" in remark


@pytest.mark.parametrize(
    "judged",
    [
        on("cpu-float32", a=fingerprint(0.1)),
        on("cuda-float32", a=fingerprint(0.1)),
        [*on("cpu-float32", a=fingerprint(0.1)), *on("cuda-float32", a=None)],
        [*on("cpu-float32", a=fingerprint(0.1)), *on("cuda-float32", b=fingerprint(0.1))],
    ],
    ids=["no GPU", "no CPU", "not run", "other models"],
)
def test_without_the_same_case_on_both_there_is_no_remark(judged: list[Judged]) -> None:
    assert list(remarks.on_gpus(judged)) == []


def copied_from(same_as: str | None) -> list[Judged]:
    """A case that ran, and one with its result, or, without `same_as`, another that ran."""
    ran, other = cases(NEW, {"tower/a": ("passed", None), OTHER: ("passed", None)})
    return [ran, replace(other, record={**(other.record or {}), "same_as": same_as, "seconds": None})]


def test_copied_results_are_counted_in_words() -> None:
    assert list(remarks.on_copied_results(copied_from("tower/a"))) == [
        (
            "1 case not run, but recorded with the result of a model that is identical once slim. To run one, name its "
            "model with --model, and give --rerun."
        )
    ]
    assert list(remarks.on_copied_results(copied_from(None))) == []


def test_the_page_knows_from_which_model_a_result_was_copied() -> None:
    page = data(summary(copied_from("tower/a")))
    assert page["cases"]["same_as"] == [NONE, page["models"].index("a")]
