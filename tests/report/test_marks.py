"""Marks are counted worst first, each case once; a lane in which nothing was tried says why."""

import pytest

from harness.report import marks
from harness.results.judging import Judged
from tests.findings import case_line, finding, scenario, tried
from tests.known import known
from tests.summaries import NEW, RENAMED, cases, from_lines

MENDED = known("keys", remedy="load_by_exact_names")
RESULT = [
    *cases(NEW, {"tower/a": ("passed", None), "tower/b": ("drifted", None), "tower/c": ("passed", None)}),
    *cases(NEW, {"tower/d": ("keys", "24 keys renamed"), "tower/e": ("passed", None)}, rules=[RENAMED]),
    *from_lines(NEW, {"tower/l": case_line(scenario("", finding(), remedied=tried([MENDED])))}, [MENDED]),
    *cases(NEW, {"tower/f": ("error", "no"), "tower/g": None}),
    *cases(NEW, {"tower/h": ("not-run", "no CUDA device"), "tower/i": ("unsupported", "came with 4.48")}),
    *cases(NEW, {"tower/j": ("not-run", "needs 9 GiB"), "tower/k": ("not-run", "needs 12 GiB")}),
]


def test_each_case_has_one_mark_and_the_worst_come_first() -> None:
    assert [(mark.key, count) for mark, count in marks.count(reversed(RESULT)).items()] == [
        ("regressed", 1),
        ("fixed", 1),
        ("incomplete", 1),
        ("known-broken", 1),
        ("remedied", 1),
        ("drifted", 1),
        ("passed", 2),
        ("not-run", 3),
        ("unsupported", 1),
    ]


def test_totals_name_what_passed_first_and_why_some_were_not_run() -> None:
    assert marks.totals(RESULT) == [
        "2 passed",
        "1 drifted",
        "1 remedied",
        "1 known broken",
        "1 regressed",
        "1 fixed",
        "1 incomplete",
        "3 not run (no CUDA device; needs 9 GiB)",
        "1 unsupported",
    ]


def test_more_than_a_thousand_are_told_with_a_comma() -> None:
    many = {f"tower/m{number}": ("passed", None) for number in range(1020)}
    assert marks.totals(cases(NEW, many)) == ["1,020 passed"]


@pytest.mark.parametrize(
    ("judged", "untried"),
    [
        (RESULT[8:], True),
        (RESULT[8:9], True),
        (RESULT[9:10], True),
        ([], True),
        (RESULT[7:], False),
        ([RESULT[0], *RESULT[8:]], False),
    ],
    ids=["not run and unsupported", "not run", "unsupported", "no case", "one has no record", "one passed"],
)
def test_a_lane_is_untried_where_no_case_of_it_was_run(judged: list[Judged], untried: bool) -> None:  # noqa: FBT001
    assert marks.is_untried(judged) is untried


def test_a_mark_has_a_word_and_a_shape_of_its_own() -> None:
    assert len({mark.word for mark in marks.MARKS}) == len({mark.shape for mark in marks.MARKS}) == len(marks.MARKS)


def test_a_case_that_is_not_green_with_its_remedy_is_no_remedied_one() -> None:
    cast = known("error", "cast")
    left = case_line(scenario("", finding(), remedied=tried([MENDED], finding("error"))))
    not_run = case_line(scenario("", finding()))
    assert list(marks.count(from_lines(NEW, {"tower/a": left}, [MENDED, cast]))) == [marks.KNOWN_BROKEN]
    assert list(marks.count(from_lines(NEW, {"tower/a": left}, [MENDED]))) == [marks.REGRESSED]
    assert list(marks.count(from_lines(NEW, {"tower/a": not_run}, [MENDED]))) == [marks.INCOMPLETE]
