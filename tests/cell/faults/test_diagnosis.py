"""A tensor that differs from the saved one is diagnosed, in a model and by itself."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from harness.cell.compare.comparison import compare_names, compare_tensors
from harness.cell.compare.diagnosis import diagnose
from harness.cell.compare.findings import Findings
from harness.cell.compare.reasons import failure_signature, one_line
from harness.cell.routes import ROUTES
from tests.cell.faults import faulty
from tests.cell.faults.conftest import Attempt
from tests.cell.faults.faulty import Faulty

SQUARE = torch.tensor([[1.1, 2.2], [3.3, 4.4]])
NATIVES = {
    "one.weight": SQUARE,
    "other.weight": SQUARE + 5,
    "index": torch.arange(4),
    "mask": torch.tensor([True, False]),
}
DEFAULT = torch.tensor([[0.5, 0.6], [0.7, 0.8]])


@pytest.mark.parametrize(
    ("name", "loaded", "default", "short", "long"),
    [
        pytest.param(
            "one.weight",
            torch.full((2, 2), torch.nan),
            None,
            "uninitialised",
            "is NaN throughout, as uninitialised memory is here",
            id="NaN",
        ),
        pytest.param(
            "index",
            torch.full((4,), 2**63 - 1),
            None,
            "uninitialised",
            "is the largest integer throughout, as uninitialised memory is here",
            id="the largest integer",
        ),
        pytest.param(
            "one.weight",
            torch.tensor([[1.1, torch.nan], [3.3, 4.4]]),
            None,
            "of other values",
            "differs by up to nan in 25% of its values",
            id="NaN in one place",
        ),
        pytest.param(
            "one.weight",
            DEFAULT.clone(),
            DEFAULT,
            "reset to timm's default",
            "is reset, as timm's constructor leaves it",
            id="the constructor's values",
        ),
        pytest.param(
            "one.weight",
            torch.full((2, 2), 1e-6),
            torch.full((2, 2), 1e-6),
            "reset to timm's default",
            "is 1e-06 throughout, as timm's constructor leaves it",
            id="the constructor's constant",
        ),
        pytest.param(
            "one.weight",
            torch.full((2, 2), 1e-5),
            torch.full((2, 2), 1e-6),
            "constant",
            "is 1e-05 throughout",
            id="another constant",
        ),
        pytest.param("mask", torch.tensor([True, True]), None, "constant", "is 1 throughout", id="a mask of one value"),
        pytest.param(
            "one.weight", SQUARE + 5, DEFAULT, "another's weights", "holds what other.weight should", id="a namesake"
        ),
        pytest.param("one.weight", SQUARE.T, None, "transposed", "is transposed", id="transposed"),
        pytest.param(
            "one.weight", SQUARE.half().float(), None, "rounded", "was rounded to float16", id="through float16"
        ),
        pytest.param(
            "one.weight", SQUARE.bfloat16().float(), None, "rounded", "was rounded to bfloat16", id="through bfloat16"
        ),
        pytest.param(
            "one.weight",
            SQUARE + torch.tensor([[0.0, 0.5], [0.0, 0.0]]),
            None,
            "of other values",
            "differs by up to 0.5 in 25% of its values",
            id="other values",
        ),
    ],
)
def test_a_diagnosis_names_the_fault_of_a_tensor(name: str, loaded: Any, default: Any, short: str, long: str) -> None:
    assert diagnose(name, NATIVES, loaded, default) == (short, long)


def test_one_value_is_neither_constant_nor_a_namesake() -> None:
    natives = {"one": torch.tensor([1.0]), "other": torch.tensor([2.0])}
    assert diagnose("one", natives, torch.tensor([2.0]), None) == (
        "of other values",
        "differs by up to 1 in 100% of its values",
    )


def test_defaults_are_requested_only_for_tensors_that_differ() -> None:
    requested: list[str] = []

    def default(name: str) -> None:
        requested.append(name)

    differences = compare_tensors(NATIVES, {**NATIVES, "one.weight": SQUARE.T}, frozenset(NATIVES), default)
    assert [difference.looks for difference in differences] == ["transposed"]
    assert requested == ["one.weight"]


IN_A_MODEL = [
    pytest.param("convnext_atto", faulty.unset, "parameters uninitialised", id="unset"),
    pytest.param("convnext_atto", faulty.reset, "parameters reset to timm's default", id="reset"),
    pytest.param("convnext_atto", faulty.constant, "parameters constant", id="constant"),
    pytest.param("cait_xxs24_224", faulty.swapped, "parameters another's weights", id="swapped"),
    pytest.param("cait_xxs24_224", faulty.transposed, "parameters transposed", id="transposed"),
    pytest.param("convnext_atto", faulty.halved, "parameters rounded", id="rounded"),
    pytest.param("convnext_atto", faulty.scaled, "parameters of other values", id="other values"),
]


@pytest.mark.parametrize(("model", "fault", "expected"), IN_A_MODEL)
def test_a_failure_signature_has_the_diagnosis_of_its_tensors(
    attempt: Attempt, model: str, fault: Callable[..., None], expected: str
) -> None:
    record = attempt(Faulty(ROUTES["wrapper"], to_model=fault), model)
    assert record.outcome == "tensors"
    assert record.detail["cause"] == expected
    assert list(record.detail["tensors"]["looks"]) == [expected.removeprefix("parameters ")]
    assert record.detail["silent"] is True


def test_a_prefix_that_was_added_in_the_file_is_named(attempt: Attempt) -> None:
    record = attempt(Faulty(ROUTES["wrapper"], to_checkpoint=faulty.prefixed("module")), "convnext_atto")
    assert record.outcome == "keys"
    assert record.reason == (
        "the loading report: keys renamed, 63 prefixed with module (head.norm.bias became module.head.norm.bias), "
        "2 more unexpected"  # the head's, which the wrapper leaves out under their own names
    )
    assert record.detail["silent"] is False


def test_a_prefix_that_was_dropped_in_the_file_is_named(attempt: Attempt) -> None:
    record = attempt(Faulty(ROUTES["wrapper"], to_checkpoint=faulty.renamed("stages.", "")), "convnext_atto")
    assert record.outcome == "keys"
    assert record.reason == (
        "the loading report: keys renamed, 57 without stages"
        " (stages.0.blocks.0.conv_dw.bias became 0.blocks.0.conv_dw.bias)"
    )


@pytest.mark.parametrize(
    ("native", "loaded", "expected"),
    [
        pytest.param(
            ["model.a", "model.b"],
            ["a", "b"],
            "here: keys renamed, 2 without model (model.a became a)",
            id="a prefix dropped",
        ),
        pytest.param(["a", "b"], ["m.a", "m.b"], "here: keys renamed, 2 prefixed with m (a became m.a)", id="added"),
        pytest.param(["a", "b"], ["a"], "here: keys 1 missing (b)", id="missing"),
        pytest.param(["a"], ["a", "b", "c", "d"], "here: keys 3 unexpected (b, c, ...)", id="unexpected"),
    ],
)
def test_names_that_differ_are_described_in_a_line(native: list[str], loaded: list[str], expected: str) -> None:
    assert one_line(Findings(names=compare_names("here", native, loaded))) == expected


def test_the_failure_signature_of_a_rename_holds_no_name_of_the_model() -> None:
    findings = Findings(names=compare_names("here", ["s.0.gamma", "s.1.gamma"], ["s.0.weight", "s.1.weight"]))
    assert failure_signature(findings) == "here: gamma to weight renamed"


def test_values_without_relation_to_the_saved_ones_were_initialised_again() -> None:
    generator = torch.Generator().manual_seed(0)
    saved, random = (torch.randn(32, 16, generator=generator) for _ in range(2))
    short, long = diagnose("a", {"a": saved}, 0.02 * random, None)
    assert (short, long) == (
        "initialised again",
        "was initialised again: its values have nothing to do with the saved ones",
    )


@pytest.mark.parametrize("change", [lambda saved: saved * 1.5, lambda saved: saved + 0.1, lambda saved: -saved])
def test_values_that_come_from_the_saved_ones_are_of_other_values(change: Callable[[Any], Any]) -> None:
    saved = torch.randn(32, 16, generator=torch.Generator().manual_seed(0))
    assert diagnose("a", {"a": saved}, change(saved), None)[0] == "of other values"


@pytest.mark.parametrize("size", [32, 64, 1024, 65536])
def test_values_that_chance_relates_are_still_initialised_again(size: int) -> None:
    """As they are once in many thousand tensors, of which a night has hundreds of thousands."""
    saved, drawn = torch.randn(2, size, generator=torch.Generator().manual_seed(0)).double()
    saved, drawn = ((values - values.mean()) / values.std() for values in (saved, drawn))
    drawn -= (drawn @ saved) / (saved @ saved) * saved
    by_chance = 4.1 / size**0.5
    loaded = drawn / drawn.std() * (1 - by_chance**2) ** 0.5 + by_chance * saved
    assert diagnose("a", {"a": saved}, loaded, None)[0] == "initialised again"
    related = loaded + 2 * saved
    assert diagnose("a", {"a": saved}, related, None)[0] == "of other values"
