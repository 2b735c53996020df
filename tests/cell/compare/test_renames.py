from collections import Counter

import pytest

from harness.cell.compare.renames import Rename, apply, in_words, renames

GAMMA = ("gamma", "weight")
BETA = ("beta", "bias")


def test_without_a_missing_name_nothing_is_renamed() -> None:
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


def test_several_renames_are_counted_apart_over_sorted_names() -> None:
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


def test_a_changed_number_is_no_rename() -> None:
    assert renames(["blocks.0.ls1.gamma"], ["blocks.1.ls1.gamma"]) == Counter()


@pytest.mark.parametrize(
    "unexpected",
    ["b.1.ls1.gamma", "a.0.ls1.gamma.extra", "a.0.ls1", "a.ls1.gamma", "xa.0.gamma.ls1", "1.gamma", "a.0.ls1.gamma"],
    ids=["two parts differ", "longer", "shorter", "shorter inside", "other order", "part of a part", "equal"],
)
def test_a_name_explains_nothing_unless_one_part_or_a_prefix_differs(unexpected: str) -> None:
    assert renames(["a.0.ls1.gamma"], [unexpected]) == Counter()


@pytest.mark.parametrize(
    ("missing", "unexpected", "rename"),
    [
        ("blocks.{}.gamma", "timm_model.blocks.{}.gamma", ("", "timm_model")),
        ("blocks.{}.gamma", "model.timm_model.blocks.{}.gamma", ("", "model.timm_model")),
        ("model.blocks.{}.gamma", "blocks.{}.gamma", ("model", "")),
    ],
    ids=["added", "two added", "removed"],
)
def test_an_added_or_removed_prefix_is_counted_for_each_name(missing: str, unexpected: str, rename: Rename) -> None:
    blocks = range(12)
    assert renames([missing.format(at) for at in blocks], [unexpected.format(at) for at in blocks]) == {rename: 12}


def test_prefixes_and_parts_are_counted_apart() -> None:
    assert renames(["a.gamma", "b.0.bias", "m.c.1.bias"], ["a.weight", "m.b.0.bias", "c.1.bias"]) == {
        GAMMA: 1,
        ("", "m"): 1,
        ("m", ""): 1,
    }


def test_a_prefix_and_a_part_together_are_no_rename() -> None:
    assert renames(["a.0.gamma"], ["m.a.0.weight"]) == Counter()


@pytest.mark.parametrize(
    ("rename", "name", "became"),
    [
        (GAMMA, "blocks.0.gamma", "blocks.0.weight"),
        (("gamma_1", "weight_1"), "a.gamma_1.scale", "a.weight_1.scale"),
        (GAMMA, "blocks.0.gamma_1", None),
        (("", "timm_model"), "blocks.0.gamma", "timm_model.blocks.0.gamma"),
        (("model", ""), "model.blocks.0.gamma", "blocks.0.gamma"),
        (("model", ""), "models.blocks.0.gamma", None),
        (("model", ""), "blocks.model.gamma", None),
        (("blocks", "."), "stages.0.blocks.1.gamma", "stages.0.1.gamma"),
        (("blocks", "."), "stages.0.gamma", None),
    ],
    ids=[
        *("part", "part inside", "another part", "prefix added", "prefix removed", "another prefix", "no prefix"),
        *("part removed", "no such part"),
    ],
)
def test_a_rename_is_applied_to_the_names_that_it_concerns(rename: Rename, name: str, became: str | None) -> None:
    assert apply(rename, name) == became


@pytest.mark.parametrize(
    ("missing", "unexpected"),
    [
        *(("a.gamma", "a.weight"), ("a.gamma", "m.n.a.gamma"), ("m.n.a.gamma", "a.gamma")),
        ("stages.0.blocks.1.gamma", "stages.0.1.gamma"),
    ],
    ids=["part", "prefix added", "prefix removed", "part removed"],
)
def test_a_rename_turns_the_missing_name_into_the_unexpected_one(missing: str, unexpected: str) -> None:
    [rename] = renames([missing], [unexpected])
    assert apply(rename, missing) == unexpected


@pytest.mark.parametrize(
    ("rename", "words"),
    [
        (GAMMA, "2 of gamma to weight"),
        (("", "timm_model"), "2 prefixed with timm_model"),
        (("model", ""), "2 without model"),
    ],
    ids=["part", "prefix added", "prefix removed"],
)
def test_a_rename_is_described_with_how_often_it_occurs(rename: Rename, words: str) -> None:
    assert in_words(rename, 2) == words
