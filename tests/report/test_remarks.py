"""The remarks below a result: on rules, on copied results, and on GPU and CPU."""

import io
import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from rich.console import Console

from harness.config.expectation import Finds, Rule
from harness.contract.case import Case
from harness.report import remarks, terminal
from harness.report.formats import answer, junit, markdown
from harness.report.formats.columns import NONE, data
from harness.results.judging import Judged, judge
from harness.results.provenance import Foreign
from harness.results.store import Recorded
from harness.results.verdicts import Judgement
from tests.summaries import NEW, cases, summary

TODAY = date(2026, 11, 25)
OTHER = "tower/b"


def rule(because: str, outcome: str = "keys", until: date | None = None) -> Rule:
    finds = (Finds(kind=outcome, how="*"),)
    return Rule(
        id=f"rule-{because}",
        routes=("tower",),
        models=("*",),
        finds=finds,
        because=because,
        remedy="move",
        advice="move",
        until=until,
    )


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
    assert on_rules([overdue], overdue) == ["rule-renamed was due for review by 2026-11-24: renamed"]


def test_rules_without_a_case_are_named_where_the_whole_matrix_was_judged() -> None:
    idle, busy, late = rule("a"), rule("b"), rule("c")
    assert on_rules([idle, busy, late], busy) == ["No case of these pairs matches rule-a (a); rule-c (c)."]
    assert on_rules([idle, busy, late], busy, whole=False) == []


def test_a_rule_of_a_torch_that_no_pair_has_is_not_idle_for_that() -> None:
    idle = rule("a")
    assert on_rules([idle.model_copy(update={"torch": "<2.13"})]) == []
    assert on_rules([idle.model_copy(update={"torch": ">=2.13"})]) == ["No case of these pairs matches rule-a (a)."]


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


def test_cases_that_come_out_otherwise_with_companions_are_named() -> None:
    plain, there = (
        judge(
            [Case("tower", "a"), Case.parse(OTHER), Case("trainer", "a")],
            Recorded("p", lane, {f"tower/{model}": {"outcome": outcome, "detail": {}} for model, outcome in outcomes}),
            lambda _: (),
        )
        for lane, outcomes in (
            ("cpu-float32", (("a", "passed"), ("b", "passed"))),
            ("cpu-float32-companions", (("a", "passed"), ("b", "tensors"))),
        )
    )
    [said] = remarks.on_companions([*plain, *there])
    assert said == (
        "1 case with another outcome where companions are installed: p cpu-float32-companions tower/b."
        " A rule that names the lane explains it."
    )
    assert list(remarks.on_companions(plain)) == []


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


def detailed(detail: dict[str, Any], count: int, outcome: str = "passed") -> list[Judged]:
    """Cases with this detail."""
    results: dict[str, Any] = {f"tower/m{number}": (outcome, "no") for number in range(count)}
    return cases(NEW, results, details=dict.fromkeys(results, detail))


def test_that_a_case_passed_at_the_second_try_is_said_with_a_few_names() -> None:
    lane = f"{NEW} cpu-float32"
    assert list(remarks.on_second_tries(detailed({"died": "killed"}, 1))) == [
        f"1 case passed at the second try, after the process had died: {lane} tower/m0."
    ]
    assert list(remarks.on_second_tries(detailed({"died": "killed"}, 5))) == [
        (
            "5 cases passed at the second try, after the process had died: "
            f"{lane} tower/m0, {lane} tower/m1, {lane} tower/m2, and 2 more."
        )
    ]
    assert list(remarks.on_second_tries(detailed({"died": "killed"}, 1, "keys"))) == [
        f"1 case failed after the process had died at the first try: {lane} tower/m0."
    ]
    assert list(remarks.on_second_tries(detailed({"nondeterministic": {"outcome": "passed"}}, 1, "keys"))) == [
        f"1 case had another result at the second try: {lane} tower/m0."
    ]
    assert list(remarks.on_second_tries(detailed({}, 2))) == []


def test_that_an_older_result_counts_is_said_with_its_day() -> None:
    older = [replace(case, could_not_run=True) for case in detailed({}, 1)]
    assert list(remarks.on_older_results(older)) == [
        (
            "1 case could not be run in the last run, and the older result counts, which is of 2026-11-20: "
            f"{NEW} cpu-float32 tower/m0."
        )
    ]
    yet_older = replace(older[0], header={"started": "2026-11-01T02:00:00+00:00"})
    [sentence] = remarks.on_older_results([*older, yet_older])
    assert (
        "2 cases could not be run in the last run, and the older result counts, which is of 2026-11-01 to" in sentence
    )
    assert list(remarks.on_older_results(detailed({}, 1))) == []


def test_that_cases_ran_with_another_version_is_said_for_each() -> None:
    versions = ("1.0.31+x1", "1.0.31+x2", "1.0.31+x1")
    foreign = [Foreign(f"tower/m{number}", "timm", version, "1.0.31") for number, version in enumerate(versions)]
    lane = Recorded(NEW, "cpu-float32", {}, foreign=foreign)
    assert list(remarks.on_other_versions([lane])) == [
        f"2 cases of {NEW} cpu-float32 ran with timm 1.0.31+x1 instead of 1.0.31, which is no record of this pair.",
        f"1 case of {NEW} cpu-float32 ran with timm 1.0.31+x2 instead of 1.0.31, which is no record of this pair.",
    ]


def test_every_report_says_that_a_case_passed_at_the_second_try() -> None:
    judged = detailed({"died": "killed"}, 1)
    drawn = summary(judged, remarks=list(remarks.on_results(judged, [])))
    said = "1 case passed at the second try, after the process had died"
    console = Console(file=io.StringIO(), width=200)
    terminal.show(console, drawn)
    texts = [console.file.getvalue(), markdown.text(drawn), junit.xml(drawn)]  # type: ignore[attr-defined]  # a buffer
    texts += [json.dumps(data(drawn)), json.dumps(answer.answer(drawn))]
    assert [said in text for text in texts] == [True] * 5


def test_models_that_timm_lists_and_cannot_build_are_named_once_for_two_machines() -> None:
    machine = Judgement([], [], {}, {}, {"1.0.31": {"b": "KeyError: 1", "a": "ValueError: no"}})
    said = list(remarks.on_results([], [machine, machine]))
    assert said == ["timm 1.0.31 lists 2 models that it cannot build. a raises ValueError: no"]
