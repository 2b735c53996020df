from collections import Counter

import pytest

from harness.cell.renames import renames

GAMMA = ("gamma", "weight")
BETA = ("beta", "bias")


def test_nothing_missing_is_nothing_renamed() -> None:
    assert renames([], []) == Counter()
    assert renames([], ["blocks.0.ls1.weight"]) == Counter()


def test_each_missing_name_that_an_unexpected_one_explains_is_counted() -> None:
    missing = [f"blocks.{block}.ls{branch}.gamma" for block in range(12) for branch in (1, 2)]
    unexpected = [f"blocks.{block}.ls{branch}.weight" for block in range(12) for branch in (1, 2)]
    assert renames(missing, unexpected) == {GAMMA: 24}


def test_the_order_of_other_blocks_does_not_matter() -> None:
    missing = [f"blocks.{block}.ls1.gamma" for block in range(12)]
    unexpected = [f"blocks.{block}.ls1.weight" for block in reversed(range(12))]
    assert renames(missing, unexpected) == {GAMMA: 12}


def test_several_renames_are_counted_apart_the_names_being_sorted() -> None:
    assert renames(["a.beta", "a.gamma", "b.gamma"], ["a.bias", "a.weight", "b.weight"]) == {GAMMA: 2, BETA: 1}


@pytest.mark.parametrize(
    ("old", "new"),
    [("gamma_1", "weight_1"), ("gamma_xca", "weight_xca"), ("gamma1", "weight1")],
    ids=["underscore", "word", "digit"],
)
def test_the_whole_part_between_dots_is_named(old: str, new: str) -> None:
    assert renames([f"blocks.0.{old}"], [f"blocks.0.{new}"]) == {(old, new): 1}


def test_a_part_in_the_middle_of_a_name_can_be_renamed() -> None:
    assert renames(["a.gamma_1.scale"], ["a.weight_1.scale"]) == {("gamma_1", "weight_1"): 1}


def test_an_unexpected_name_explains_one_missing_name_only() -> None:
    assert renames(["a.gamma", "a.beta"], ["a.weight"]).total() == 1


def test_another_number_is_no_rename() -> None:
    assert renames(["blocks.0.ls1.gamma"], ["blocks.1.ls1.gamma"]) == Counter()


@pytest.mark.parametrize(
    "unexpected",
    ["b.1.ls1.gamma", "a.0.ls1.gamma.extra", "ls1.gamma", "a.0.ls1.gamma"],
    ids=["two parts differ", "longer", "shorter", "equal"],
)
def test_a_name_that_differs_otherwise_than_in_one_part_explains_nothing(unexpected: str) -> None:
    assert renames(["a.0.ls1.gamma"], [unexpected]) == Counter()
