"""What a model is besides its values, compared."""

import math

import pytest
import torch
from torch import nn

from harness.cell.compare.flags import Flags, compare_flags


class Dropping(nn.Module):
    """A module that computed its rate in the dtype in which it was made."""

    def __init__(self, rate: float, dtype: torch.dtype) -> None:
        super().__init__()
        self.rate = rate
        self.weight = nn.Parameter(torch.ones(1, dtype=dtype))


def found(expected: float, actual: float, dtype: torch.dtype) -> list[str]:
    flags = [Flags.of(Dropping(rate, dtype)) for rate in (expected, actual)]
    return [finding.how for finding in compare_flags("the model", *flags, training=True)]


@pytest.mark.parametrize(
    ("dtype", "actual"),
    [(torch.float16, 0.024993896484375), (torch.bfloat16, 0.0250244140625), (torch.float32, 0.02500000037252903)],
)
def test_a_number_that_a_module_computed_in_the_precision_of_its_tensors_is_the_same(
    dtype: torch.dtype, actual: float
) -> None:
    assert found(0.025, actual, dtype) == []


@pytest.mark.parametrize(
    ("dtype", "actual"),
    [(torch.float32, 0.024993896484375), (torch.float16, 0.0251), (torch.bfloat16, 0.0), (torch.float32, math.nan)],
)
def test_another_number_is_a_difference(dtype: torch.dtype, actual: float) -> None:
    assert found(0.025, actual, dtype) == [f"is {actual!r}, not 0.025"]


def test_what_is_no_number_is_no_difference_where_it_was_none() -> None:
    assert found(math.nan, math.nan, torch.float32) == []
