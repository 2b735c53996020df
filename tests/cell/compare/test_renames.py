from collections import Counter

import pytest

from harness.cell.compare.renames import Rename, applied, in_words, renames

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
    ["b.1.ls1.gamma", "a.0.ls1.gamma.extra", "a.0.ls1", "a.ls1.gamma", "xa.0.gamma.ls1", "1.gamma", "a.0.ls1.gamma"],
    ids=["two parts differ", "longer", "shorter", "shorter inside", "other order", "part of a part", "equal"],
)
def test_a_name_that_differs_otherwise_than_in_one_part_or_a_prefix_explains_nothing(unexpected: str) -> None:
    assert renames(["a.0.ls1.gamma"], [unexpected]) == Counter()


@pytest.mark.parametrize(
    ("missing", "unexpected", "rename"),
    [
        ("blocks.{}.gamma", "timm_model.blocks.{}.gamma", ("", "timm_model")),
        ("blocks.{}.gamma", "model.timm_model.blocks.{}.gamma", ("", "model.timm_model")),
        ("model.blocks.{}.gamma", "blocks.{}.gamma", ("model", "")),
    ],
    ids=["came", "two came", "went"],
)
def test_a_prefix_that_came_or_went_is_counted_for_each_name(missing: str, unexpected: str, rename: Rename) -> None:
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
        *("part", "part inside", "another part", "prefix came", "prefix went", "another prefix", "no prefix"),
        *("part went", "no such part"),
    ],
)
def test_a_rename_is_applied_to_the_names_that_it_concerns(rename: Rename, name: str, became: str | None) -> None:
    assert applied(rename, name) == became


@pytest.mark.parametrize(
    ("missing", "unexpected"),
    [
        *(("a.gamma", "a.weight"), ("a.gamma", "m.n.a.gamma"), ("m.n.a.gamma", "a.gamma")),
        ("stages.0.blocks.1.gamma", "stages.0.1.gamma"),
    ],
    ids=["part", "prefix came", "prefix went", "part went"],
)
def test_what_is_found_makes_the_unexpected_name_of_the_missing_one(missing: str, unexpected: str) -> None:
    [rename] = renames([missing], [unexpected])
    assert applied(rename, missing) == unexpected


@pytest.mark.parametrize(
    ("rename", "words"),
    [
        (GAMMA, "2 of gamma to weight"),
        (("", "timm_model"), "2 prefixed with timm_model"),
        (("model", ""), "2 without model"),
    ],
    ids=["part", "prefix came", "prefix went"],
)
def test_a_rename_and_how_often_is_told_in_words(rename: Rename, words: str) -> None:
    assert in_words(rename, 2) == words
