"""The grid of a lane: what stands in it, and in which style."""

from typing import Any

import pytest
from rich.text import Text

from harness.report import grid, marks
from tests.findings import case_line, finding, scenario, tried
from tests.known import Known, known
from tests.summaries import NEW, OLD, RENAMED, cases, each, from_lines, pair

RESULT = [
    *cases(OLD, {**each("wrapper", "passed", None), **each("tower", "keys", None, None)}, rules=[RENAMED]),
    *cases(NEW, {**each("wrapper", "drifted", None), **each("tower", "tensors", None)}),
]


def styles(width: int) -> list[list[list[tuple[str, str]]]]:
    """Text and style of each cell, by table and row."""
    tables = grid.tables(RESULT, [pair(OLD), pair(NEW)], width)
    columns = [[list(column.cells) for column in table.columns] for table in tables]
    assert all(isinstance(text, Text) for table in columns for column in table for text in column)
    return [[[(text.plain, str(text.style)) for text in row] for row in zip(*table, strict=True)] for table in columns]


def test_names_and_versions_in_the_head_are_bold_and_routes_are_not() -> None:
    [table] = styles(80)
    fixed, regressed = marks.FIXED.heat, marks.REGRESSED.heat
    assert table == [
        [("transformers", "bold"), ("4.48.3", "bold"), ("5.23.0", "bold")],
        [("timm", "bold"), ("1.0.14", "bold"), ("1.0.31", "bold")],
        [("wrapper", ""), ("↑ 100%", fixed), ("≈ 100%", marks.DRIFTED.heat)],
        [("tower", ""), ("◐ 0%", marks.KNOWN_BROKEN.heat), ("✘ 0%", regressed)],
    ]


def test_every_table_of_a_lane_has_the_same_bold_head() -> None:
    tables = styles(25)
    assert [[row[0] for row in table] for table in tables] == [
        [("transformers", "bold"), ("timm", "bold"), ("wrapper", ""), ("tower", "")]
    ] * 2
    assert [[text for text, style in table[0][1:] if style == "bold"] for table in tables] == [["4.48.3"], ["5.23.0"]]


def test_marks_that_need_a_look_are_bold_and_no_other_is() -> None:
    assert {mark for mark in marks.MARKS if "bold" in mark.heat.split()} == set(marks.ATTENTION)
    assert {mark for mark in marks.MARKS if "bold" in mark.style.split()} == set(marks.ATTENTION)


def test_a_pair_without_a_case_of_a_route_has_an_empty_cell() -> None:
    judged = [*cases(OLD, each("tower", "passed", None)), *cases(NEW, each("wrapper", "passed", None))]
    [table] = grid.tables(judged, [pair(OLD), pair(NEW)], 80)
    assert [[str(text) for text in column.cells][2:] for column in table.columns] == [
        ["wrapper", "tower"],
        ["", "✔ 100%"],
        ["✔ 100%", ""],
    ]


@pytest.mark.parametrize(
    ("width", "widths"),
    [(44, [44]), (43, [36, 20]), (36, [36, 20]), (28, [28, 28]), (27, [20] * 4), (5, [20] * 4)],
    ids=["all fit", "one too many", "three fit", "two and two", "two too many", "none fits"],
)
def test_a_table_holds_as_many_pairs_as_fit_and_one_at_least(width: int, widths: list[int]) -> None:
    # The names take 12 columns, each pair 6 and a gap of 2.
    pairs = [f"transformers5.{minor}.0-timm1.0.31" for minor in (20, 21, 22, 23)]
    judged = [case for name in pairs for case in cases(name, {"tower/m": ("passed", None)})]
    assert [table.width for table in grid.tables(judged, list(map(pair, pairs)), width)] == widths


def test_a_route_that_the_project_does_not_know_comes_last() -> None:
    assert grid.in_order(["later", "vlm", "wrapper", "vlm", "another"]) == ["wrapper", "vlm", "later", "another"]


MENDED = known("keys", remedy="load_by_exact_names")
REMEDIED = (case_line(scenario("", finding(), remedied=tried([MENDED]))), [MENDED])
BROKEN = (case_line(scenario("", finding("error"))), [known("error")])
UNMENDED = (case_line(scenario("", finding())), [MENDED])
PASSED: tuple[dict[str, Any], list[Known]] = (case_line(scenario("")), [])


@pytest.mark.parametrize(
    ("lines", "mark", "share"),
    [
        ([REMEDIED], marks.REMEDIED, "0% → 100%"),
        ([REMEDIED, PASSED], marks.REMEDIED, "50% → 100%"),
        ([REMEDIED, BROKEN], marks.KNOWN_BROKEN, "0% → 50%"),
        ([BROKEN], marks.KNOWN_BROKEN, "0%"),
        ([REMEDIED, *[BROKEN] * 199], marks.KNOWN_BROKEN, "0% → 1%"),
        ([*[REMEDIED] * 199, BROKEN], marks.KNOWN_BROKEN, "0% → 99%"),
        ([UNMENDED], marks.INCOMPLETE, ""),
        ([UNMENDED, PASSED], marks.INCOMPLETE, "100%"),
    ],
    ids=[
        *("all", "half", "beside a broken one", "none", "one of many", "all but one"),
        *("remedy not run", "remedy not run, and passed"),
    ],
)
def test_a_cell_shows_the_share_that_passes_as_it_is_and_with_remedies(
    lines: list[tuple[dict[str, Any], list[Known]]], mark: marks.Mark, share: str
) -> None:
    judged = [
        case
        for number, (line, rules) in enumerate(lines)
        for case in from_lines(NEW, {f"tower/m{number}": line}, rules)
    ]
    [cell] = grid.cells(judged).values()
    assert (cell.mark, cell.share) == (mark, share)
