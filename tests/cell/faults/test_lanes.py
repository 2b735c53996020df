"""A lane of another precision: models are loaded and compared in that precision."""

from collections.abc import Mapping

import pytest
import torch
from torch import nn

from harness.cell.routes import ROUTES
from harness.cell.scenarios.context import CaseContext
from harness.cell.scenarios.protocol import Loaded, Scenario
from tests.cell.faults import faulty
from tests.cell.faults.conftest import Attempt
from tests.cell.faults.faulty import Faulty

CONVNEXT = "convnext_atto"


class Deaf(Faulty):
    """A route that ignores the dtype argument."""

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        context.dtype = {}
        return super().scenarios(context)


@pytest.mark.parametrize("route", ["wrapper", "tower", "backbone"])
def test_bfloat16_is_loaded_and_compared_as_bfloat16(attempt: Attempt, route: str) -> None:
    dtypes: set[torch.dtype] = set()

    def look(loaded: Loaded) -> None:
        dtypes.update(tensor.dtype for tensor in loaded.timm_module.parameters())
        dtypes.update(tensor.dtype for tensor in loaded.native.module.parameters())

    record = attempt(Faulty(ROUTES[route], to_loaded=look), CONVNEXT, dtype=torch.bfloat16)
    assert record.outcome in {"passed", "drifted"}, record.reason
    assert dtypes == {torch.bfloat16}


@pytest.mark.parametrize("route", ["wrapper", "tower"])
def test_a_model_loaded_in_another_precision_is_tensors(attempt: Attempt, route: str) -> None:
    record = attempt(Deaf(ROUTES[route]), CONVNEXT, dtype=torch.bfloat16)
    assert record.outcome == "tensors"
    assert record.reason.endswith(": stem.0.weight is float32, not bfloat16")
    assert list(record.detail["tensors"]["looks"]) == ["float32, not bfloat16"]
    assert record.detail["silent"] is True


def test_one_tensor_of_another_precision_is_enough(attempt: Attempt) -> None:
    def keep(module: nn.Module) -> None:
        gamma = faulty.first(module, "gamma")
        gamma.data = gamma.data.float()

    record = attempt(Faulty(ROUTES["wrapper"], to_model=keep), CONVNEXT, dtype=torch.bfloat16)
    assert record.outcome == "tensors"
    assert record.reason == "1 parameter not as saved: stages.0.blocks.0.gamma is float32, not bfloat16"


def test_a_reset_gamma_is_recognised_by_its_value_in_that_precision(attempt: Attempt) -> None:
    record = attempt(Faulty(ROUTES["wrapper"], to_model=faulty.reset), CONVNEXT, dtype=torch.bfloat16)
    assert record.outcome == "tensors"
    assert "as timm's constructor leaves it" in record.reason


def test_a_float32_lane_asks_for_no_precision_and_gets_float32(attempt: Attempt) -> None:
    record = attempt(Deaf(ROUTES["wrapper"]), CONVNEXT)
    assert record.outcome in {"passed", "drifted"}, record.reason
