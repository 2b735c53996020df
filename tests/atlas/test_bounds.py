"""The bounds of rules, and the releases on either side of each."""

from datetime import date

import pytest
from packaging.specifiers import Specifier

from harness.atlas.bounds import Bound, Edge, adjacent, bounds_of, edges_of, further
from harness.config.expectation import Rule
from harness.config.matrix import Matrix
from harness.environments.pypi import Release

TRANSFORMERS = [
    Release(version, date(2025, month, 1))
    for month, version in enumerate(("4.56.0", "4.56.1", "4.57.0", "4.57.6", "5.0.0", "5.1.0"), 1)
]
TIMM = [Release("1.0.9", date(2025, 1, 1)), Release("1.0.22", date(2025, 4, 15)), Release("1.0.31", date(2025, 7, 1))]
LINE = {"transformers": TRANSFORMERS, "timm": TIMM}
CURRENT = {"transformers": "5.1.0", "timm": "1.0.31"}


@pytest.fixture
def rule(small_matrix: Matrix) -> Rule:
    [first, *_] = small_matrix.expectations
    return first.model_copy(update={"id": "known", "transformers": None, "timm": None})


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        (">=5.0", [("4.57.6", "5.0.0")]),
        ("<4.57", [("4.56.1", "4.57.0")]),
        (">4.57.0", [("4.57.0", "4.57.6")]),
        ("==4.57.6", [("4.57.0", "4.57.6"), ("4.57.6", "5.0.0")]),
        ("!=5.0.0", [("4.57.6", "5.0.0"), ("5.0.0", "5.1.0")]),
        ("==4.56.*", [("4.56.1", "4.57.0")]),
        (">=4.1", []),
        ("<6", []),
    ],
)
def test_on_either_side_of_a_bound_are_the_adjacent_releases(bound: str, expected: list[tuple[str, str]]) -> None:
    assert adjacent(Specifier(bound), [release.version for release in TRANSFORMERS]) == expected


def test_each_end_of_a_range_is_a_bound_of_its_package(rule: Rule) -> None:
    ranged = rule.model_copy(update={"transformers": ">=4.57,!=4.57.6,<5", "timm": "<1.0.31"})
    assert list(map(str, bounds_of(ranged))) == [
        *("transformers!=4.57.6", "transformers<5", "transformers>=4.57"),
        "timm<1.0.31",
    ]


def test_an_edge_has_the_current_release_beside_it_and_that_of_the_time(rule: Rule) -> None:
    bound = Bound("known", "transformers", ">=5.0")
    assert list(edges_of(rule.model_copy(update={"transformers": ">=5.0"}), LINE, CURRENT)) == [
        Edge(bound, "5.0.0", "4.57.6", "1.0.31"),
        Edge(bound, "5.0.0", "4.57.6", "1.0.22"),
    ]


def beside(rule: Rule) -> list[str]:
    found = edges_of(rule, LINE, CURRENT)
    return [edge.beside for edge in found if edge.bound.package == "transformers"]


def test_beside_an_edge_is_no_release_beyond_the_rule_s_own_range(rule: Rule) -> None:
    of_old_timm = rule.model_copy(update={"transformers": ">=5.0", "timm": "<1.0.22"})
    assert beside(of_old_timm) == ["1.0.9"]
    of_new_timm = rule.model_copy(update={"transformers": "<4.57", "timm": ">=1.0.31"})
    assert beside(of_new_timm) == ["1.0.31"]


def test_a_release_that_another_bound_leaves_out_is_no_side(rule: Rule) -> None:
    beyond = rule.model_copy(update={"transformers": ">=4.57.6,!=4.57.6", "timm": "==1.0.31"})
    found = [(str(edge.bound), edge.inside, edge.outside) for edge in edges_of(beyond, LINE, CURRENT)]
    assert ("transformers!=4.57.6", "5.0.0", "4.57.6") in found
    assert not [edge for edge in found if edge[0].startswith("transformers") and edge[1] == "4.57.6"]


def test_an_edge_s_pairs_name_both_packages() -> None:
    edge = Edge(Bound("known", "timm", "<1.0.31"), "1.0.22", "1.0.31", "5.1.0")
    assert edge.releases(edge.outside) == {"timm": "1.0.31", "transformers": "5.1.0"}


@pytest.mark.parametrize(
    ("side", "expected"),
    [("5.0.0", ("5.1.0", "4.57.6")), ("4.57.6", ("5.0.0", "4.57.0"))],
)
def test_an_edge_can_move_one_side_away_from_its_bound(side: str, expected: tuple[str, str]) -> None:
    edge = Edge(Bound("known", "transformers", ">=5.0"), "5.0.0", "4.57.6", "1.0.31")
    moved = further(edge, LINE, side)
    assert moved
    assert (moved.inside, moved.outside) == expected


def test_an_edge_moves_neither_beyond_the_last_release_nor_across_a_bound() -> None:
    last = Edge(Bound("known", "transformers", ">=5.0"), "5.1.0", "4.57.6", "1.0.31")
    assert further(last, LINE, "5.1.0") is None
    single = Edge(Bound("known", "transformers", "==5.0.0"), "5.0.0", "4.57.6", "1.0.31")
    assert further(single, LINE, "5.0.0") is None
