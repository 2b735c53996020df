"""The pairs that the atlas needs."""

from datetime import date

from harness.atlas.need import drawn, in_order
from harness.config.matrix import Matrix
from harness.environments.pypi import Release

TRANSFORMERS = [
    Release(version, date(2025, month, 1))
    for month, version in enumerate(("4.56.0", "4.56.1", "4.57.0", "4.57.6", "5.0.0", "5.1.0"), 1)
]
TIMM = [Release("1.0.9", date(2025, 1, 1)), Release("1.0.22", date(2025, 4, 15)), Release("1.0.31", date(2025, 7, 1))]
LINE = {"transformers": TRANSFORMERS, "timm": TIMM}


def test_the_order_is_the_matrix_the_newest_minors_every_timm_and_edges(
    small_matrix: Matrix,
) -> None:
    [rule, *_] = small_matrix.expectations
    edge = rule.model_copy(update={"transformers": ">=5.0", "timm": None})
    edged = small_matrix.model_copy(update={"expectations": (edge,)})
    pairs = [(pair["transformers"], pair["timm"]) for pair in in_order(edged, LINE)]
    named = [(pair.transformers, pair.timm) for pair in small_matrix.pairs]
    assert pairs[: len(named)] == named
    assert pairs[len(named) :] == [
        *(("5.1.0", "1.0.31"), ("5.1.0", "1.0.22"), ("5.0.0", "1.0.31"), ("5.0.0", "1.0.22")),
        *(("4.57.6", "1.0.31"), ("4.57.6", "1.0.9"), ("4.56.1", "1.0.31"), ("4.56.1", "1.0.9")),
        *(("4.57.6", "1.0.22"), ("5.1.0", "1.0.9")),
    ]


def test_pairs_are_drawn_of_those_that_are_lacking_and_the_same_for_a_seed() -> None:
    there = {("5.1.0", "1.0.31"), ("5.0.0", "1.0.22")}
    pairs = drawn(LINE, there, 5, seed=1)
    assert len({tuple(pair.values()) for pair in pairs} - there) == 5
    assert pairs == drawn(LINE, there, 5, seed=1)
    assert pairs != drawn(LINE, there, 5, seed=2)
    assert len(drawn(LINE, there, 1_000, seed=1)) == len(TRANSFORMERS) * len(TIMM) - len(there)
