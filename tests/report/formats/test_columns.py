"""The data of the page: which mark a case has, and what a cause says."""

from typing import Any

import pytest

from harness.report import marks
from harness.report.formats.columns import data
from tests.findings import case_line, finding, scenario, tried
from tests.known import known
from tests.summaries import NEW, cases, from_lines, summary

MENDED = known("keys", "gamma is renamed", remedy="load_by_exact_names")
CAST = finding("error", what="RuntimeError", how="expected Half")
LINES = {
    "remedied": (
        case_line(scenario("", finding(), remedied=tried([MENDED]))),
        marks.REMEDIED,
        "gamma is renamed",
    ),
    "remedy not run": (case_line(scenario("", finding())), marks.INCOMPLETE, "gamma is renamed"),
    "unexplained beside it": (
        case_line(scenario("", finding(), CAST)),
        marks.REGRESSED,
        f"{CAST.words}; known beside it: gamma is renamed",
    ),
    "no longer there": (case_line(scenario("")), marks.FIXED, "gamma is renamed"),
}


@pytest.mark.parametrize(("line", "mark", "why"), LINES.values(), ids=LINES)
def test_a_cause_of_the_page_has_its_mark_and_what_no_rule_explains_before_what_one_does(
    line: dict[str, Any], mark: marks.Mark, why: str
) -> None:
    page = data(summary(from_lines(NEW, {"tower/m0": line}, [MENDED])))
    assert page["cases"]["mark"] == [marks.MARKS.index(mark)]
    assert page["cases"]["rule"] == [0]
    [cause] = page["groups"]
    assert (marks.MARKS[cause["mark"]], cause["why"]) == (mark, why)


def test_of_the_models_without_a_case_those_that_another_stands_for_are_on_the_page() -> None:
    stand_ins = {"small": "large", "large": "small", "base": "large"}
    page = data(summary(cases(NEW, {"tower/tiny": None, "tower/large": None}), stand_ins=stand_ins))
    assert page["stand_ins"] == {"small": 1, "base": 1}
