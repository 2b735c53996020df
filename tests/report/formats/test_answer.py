import json
from typing import Any

import jsonschema
import pytest

from harness.report.formats.answer import answer
from harness.results.judging import Judged
from tests.places import SCHEMAS
from tests.summaries import NEW, OLD, RENAMED, cases, each, summary

SCHEMA = json.loads((SCHEMAS / "answer.json").read_text())
GREEN = {"wrapper/a": ("passed", None), "tower/a": ("drifted", None)}
SKIPPED = {"wrapper/b": ("not-run", "no CUDA device"), "tower/b": ("unsupported", "no such road")}


def valid_answer(judged: list[Judged]) -> dict[str, Any]:
    """The answer, validated by its schema."""
    document = answer(summary(judged))
    jsonschema.validate(document, SCHEMA)
    return document


def test_a_pair_on_which_all_that_was_tried_passed_is_known_to_be_good() -> None:
    document = valid_answer([*cases(NEW, GREEN), *cases(NEW, SKIPPED)])
    assert document["known_good"] == {"all": [NEW], "routes": {"wrapper": [NEW], "tower": [NEW]}}
    assert document["pairs"][NEW]["versions"]["timm"] == "1.0.31"
    assert document["pairs"][NEW]["lanes"]["cpu-float32"]["tower"] == {
        "verdict": "as-expected",
        "good": True,
        "counts": {"drifted": 1, "unsupported": 1},
    }
    assert (document["exit_code"], document["complete"]) == (0, True)


def test_what_is_known_to_be_broken_is_as_expected_and_not_good() -> None:
    document = valid_answer(cases(OLD, {**GREEN, "tower/b": ("keys", None)}, rules=[RENAMED])[2:] + cases(OLD, GREEN))
    assert document["known_good"] == {"all": [], "routes": {"tower": [], "wrapper": [OLD]}}
    assert document["pairs"][OLD]["lanes"]["cpu-float32"]["tower"]["verdict"] == "as-expected"
    assert document["exit_code"] == 0


@pytest.mark.parametrize(
    ("result", "rules", "verdict", "code"),
    [
        (("tensors", None), [], "regressed", 1),
        (("passed", None), [RENAMED], "fixed", 1),
        (None, [], "incomplete", 4),
    ],
    ids=["regressed", "fixed", "incomplete"],
)
def test_what_needs_a_look_is_never_good(result: Any, rules: list[Any], verdict: str, code: int) -> None:
    document = valid_answer([*cases(NEW, GREEN), *cases(NEW, {"tower/b": result}, rules=rules)])
    assert document["pairs"][NEW]["lanes"]["cpu-float32"]["tower"]["verdict"] == verdict
    assert (document["known_good"]["all"], document["known_good"]["routes"]["tower"]) == ([], [])
    assert document["exit_code"] == code


def test_a_pair_on_which_nothing_could_be_tried_is_not_good() -> None:
    assert valid_answer(cases(NEW, SKIPPED))["known_good"] == {"all": [], "routes": {"wrapper": [], "tower": []}}


def test_a_route_that_is_broken_in_one_lane_is_not_good() -> None:
    half = cases(NEW, each("tower", "nonfinite", None), lane="cpu-bfloat16")
    assert valid_answer([*cases(NEW, GREEN), *half])["known_good"]["routes"] == {"wrapper": [NEW], "tower": []}


def test_no_case_is_no_answer() -> None:
    assert valid_answer([])["exit_code"] == 3
