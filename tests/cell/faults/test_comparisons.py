"""Every comparison sees its kind of difference, in each direction, and reports nothing if nothing is wrong."""

import math
from typing import Any

import pytest
import torch

from harness.cell.compare.comparison import compare_names, compare_outputs, compare_tensors, fingerprint
from harness.cell.compare.configuration import compare_fields
from harness.cell.compare.findings import Findings, OtherDifference
from harness.contract.case import Outcome
from harness.contract.finding import Finding
from harness.contract.plan import Tolerance

WITHIN = Tolerance(rtol=1e-5, atol=1e-5)
ONES = torch.ones(2, 3)


def outcome(native: torch.Tensor, loaded: torch.Tensor | None, noise: float = 0.0) -> str:
    outputs = {} if loaded is None else {"out": loaded}
    return Findings(outputs=compare_outputs({"out": native}, lambda: {"out": native + noise}, outputs, WITHIN)).outcome


@pytest.mark.parametrize(
    ("loaded", "expected"),
    [
        pytest.param(ONES, "passed", id="equal"),
        pytest.param(ONES + 1.5e-5, "drifted", id="within tolerance, beyond 8 ulp"),
        pytest.param(ONES + 1e-3, "outputs", id="above"),
        pytest.param(ONES - 1e-3, "outputs", id="below"),
        pytest.param(torch.full((2, 3), math.nan), "nonfinite", id="NaN"),
        pytest.param(torch.tensor([[1, 1, 1], [1, 1, math.nan]]), "nonfinite", id="one NaN"),
        pytest.param(torch.full((2, 3), math.inf), "nonfinite", id="infinite"),
        pytest.param(torch.ones(3, 2), "outputs", id="another shape"),
        pytest.param(torch.ones(1, 3), "outputs", id="a shape that would broadcast"),
        pytest.param(None, "outputs", id="missing"),
    ],
)
def test_an_output_is_judged_by_the_size_of_its_difference(loaded: torch.Tensor | None, expected: str) -> None:
    assert outcome(ONES, loaded) == expected


def test_a_difference_within_the_noise_of_native_itself_is_no_drift() -> None:
    assert outcome(ONES, ONES + 1.5e-5, noise=1.6e-5) == "passed"


@pytest.mark.parametrize(
    ("loaded", "missing", "unexpected"),
    [
        pytest.param(["a.weight"], ("a.gamma",), (), id="missing"),
        pytest.param(["a.gamma", "a.weight", "b"], (), ("b",), id="unexpected"),
        pytest.param(["a.weight", "a.scale"], ("a.gamma",), ("a.scale",), id="renamed"),
    ],
)
def test_names_differ_in_both_directions(
    loaded: list[str], missing: tuple[str, ...], unexpected: tuple[str, ...]
) -> None:
    (difference,) = compare_names("here", ["a.gamma", "a.weight"], loaded)
    assert (difference.missing, difference.unexpected) == (missing, unexpected)


def test_equal_names_are_no_difference_in_any_order() -> None:
    assert compare_names("here", ["a", "b"], ["b", "a"]) == []


BITS = torch.tensor([0.0, 1.0, 2.0])


@pytest.mark.parametrize(
    ("loaded", "how"),
    [
        pytest.param(
            torch.tensor([0.0, 1.0, 2.0000002]), "differs by up to 2.38e-07 in 33% of its values", id="an ulp"
        ),
        pytest.param(torch.tensor([-0.0, 1.0, 2.0]), "differs by up to 0 in 0% of its values", id="the sign of zero"),
        pytest.param(BITS.double(), "is float64, not float32", id="dtype"),
        pytest.param(BITS[None], "has shape (1, 3), not (3,)", id="shape"),
        pytest.param(BITS.to("meta"), "is on meta, not cpu", id="device"),
        pytest.param(torch.full((3,), math.nan), "is NaN throughout, as uninitialised memory is here", id="unset"),
        pytest.param(torch.full((3,), 1e-5), "is 1e-05 throughout", id="reset to a constant"),
    ],
)
def test_a_tensor_is_compared_bit_for_bit(loaded: torch.Tensor, how: str) -> None:
    (difference,) = compare_tensors({"buffer": BITS}, {"buffer": loaded}, frozenset({"buffer"}))
    assert (difference.kind, difference.how) == ("buffer", how)


def test_an_unset_integer_buffer_is_called_uninitialised() -> None:
    native = torch.arange(4)
    (difference,) = compare_tensors({"index": native}, {"index": torch.full((4,), 2**63 - 1)}, frozenset())
    assert difference.kind == "non-persistent buffer"
    assert difference.how == "is the largest integer throughout, as uninitialised memory is here"


def test_a_loaded_nan_equals_a_saved_nan() -> None:
    native = torch.tensor([1.0, math.nan])
    assert compare_tensors({"mask": native}, {"mask": native.clone()}, frozenset()) == []


def test_a_buffer_that_is_gone_or_new_is_a_difference() -> None:
    differences = compare_tensors({"old": BITS}, {"new": BITS}, frozenset())
    assert [(difference.name, difference.how) for difference in differences] == [
        ("old", "is not there"),
        ("new", "is there, and the saved model has none of that name"),
    ]


def test_the_first_outcome_that_applies_counts_and_an_exception_does_not_hide_it() -> None:
    names = compare_names("here", ["a"], ["b"])
    tensors = compare_tensors({"a": BITS}, {"a": BITS + 1}, frozenset())
    outputs = compare_outputs({"out": ONES}, lambda: {"out": ONES}, {"out": ONES + 1}, WITHIN)
    error = {"type": "IndexError", "message": "", "frame": "", "phase": "run"}
    kinds = (Outcome.LEAKED, Outcome.REPORT, Outcome.GRADIENTS)
    others = [OtherDifference(Finding(kind, "here", "this", "is otherwise")) for kind in kinds]
    flags = OtherDifference(Finding(Outcome.FLAGS, "here", "this", "is otherwise"))
    assert Findings(names, tensors, outputs, [flags, *others], [error]).outcome == "keys"
    assert Findings([], tensors, outputs, [flags, *others], [error]).outcome == "tensors"
    assert Findings([], [], outputs, [flags, *others], [error]).outcome == "flags"
    assert Findings([], [], outputs, others, [error]).outcome == "outputs"
    assert Findings([], [], [], others, [error]).outcome == "gradients"
    assert Findings([], [], [], others[:2], [error]).outcome == "report"
    assert Findings([], [], [], others[:1], [error]).outcome == "leaked"
    assert Findings([], [], [], [], [error]).outcome == "error"


def test_the_fingerprint_of_an_output_without_values_is_its_shape() -> None:
    assert fingerprint({"out": torch.zeros(1, 0)}) == {"out": {"shape": [1, 0]}}


def test_a_fingerprint_changes_with_the_outputs_and_only_with_them() -> None:
    output = torch.randn(4, 5, generator=torch.Generator().manual_seed(1))
    assert fingerprint({"out": output}) == fingerprint({"out": output.clone()})
    assert fingerprint({"out": output}) != fingerprint({"out": output * 1.001})


def test_an_output_that_is_another_one_says_which() -> None:
    native = {f"states.{level}": torch.rand(2, 3, generator=torch.Generator().manual_seed(level)) for level in range(3)}
    shifted = {"states.0": native["states.1"], "states.1": native["states.1"] * 1.5, "states.2": native["states.2"]}
    found = compare_outputs(native, lambda: native, shifted, WITHIN)
    assert [difference.how for difference in found] == ["is states.1", "", ""]
    assert [difference.holds for difference in found] == [False, False, True]


def test_an_output_that_is_off_is_no_other_one_where_all_are_equal() -> None:
    native = {"a": ONES, "b": ONES}
    found = compare_outputs(native, lambda: native, {"a": ONES * 2, "b": ONES}, WITHIN)
    assert found[0].how == ""


@pytest.mark.parametrize(
    ("actual", "how"),
    [
        ({"model_args": {"drop_rate": 0.0}, "more": 1}, []),
        ({"model_args": {}}, ["is not there"]),
        ({"model_args": None}, ["is not there"]),
        ({}, ["is not there"]),
        ({"model_args": {"drop_rate": 0.5}}, ["is 0.5, not 0.0"]),
    ],
)
def test_a_field_that_is_gone_or_has_another_value_is_a_difference(actual: dict[str, Any], how: list[str]) -> None:
    found = list(compare_fields("there", {"model_args.drop_rate": 0.0}, actual))
    assert [(finding.kind, finding.what, finding.how) for finding in found] == [
        (Outcome.FLAGS, "model_args.drop_rate", words) for words in how
    ]


@pytest.mark.parametrize(
    ("actual", "example", "how"),
    [
        ({"names": {0: "a", 1: "b"}}, "names.0", "is 'a', not 'b'"),
        ({"names": ["b", "c"]}, "names", "is ['b', 'c'], not {'0': 'b', '1': 'a'}"),
        ({"names": {"0": "b"}}, "names", "is {'0': 'b'}, not {'0': 'b', '1': 'a'}"),
    ],
    ids=["another item", "another kind", "fewer"],
)
def test_the_first_item_that_is_otherwise_is_named(actual: dict[str, Any], example: str, how: str) -> None:
    (finding,) = compare_fields("there", {"names": {"0": "b", "1": "a"}}, actual)
    assert (finding.what, finding.example, finding.how) == ("names", example, how)


def test_an_output_that_native_timm_lacks_is_a_difference() -> None:
    (_, extra) = compare_outputs({"out": ONES}, lambda: {"out": ONES}, {"out": ONES, "more": ONES}, WITHIN)
    assert (extra.name, extra.holds, extra.how) == ("more", False, "is there, and native timm has none of that name")


@pytest.mark.parametrize("value", [True, False])
def test_a_truth_that_is_otherwise_is_told_without_figures(value: bool) -> None:  # noqa: FBT001  a parameter
    native, loaded = torch.tensor(value), torch.tensor(not value)
    (found,) = compare_outputs({"out": native}, lambda: {"out": native}, {"out": loaded}, WITHIN)
    assert (found.holds, found.how) == (False, f"is {str(not value).lower()}, and must not be")
