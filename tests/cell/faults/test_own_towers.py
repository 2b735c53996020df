"""Towers that initialise their modules, or load timm's weights, themselves: what each scenario has to see."""

from typing import Any

import pytest
import timm
import torch
from torch import nn

from harness.cell.routes import ROUTES
from harness.cell.routes.tower_init import ByData
from tests.cell.faults.conftest import Attempt
from tests.cell.faults.faulty import Faulty

pytestmark = pytest.mark.slow

VIT = "test_vit3"
INIT, PRETRAINED = ROUTES["tower-init"], ROUTES["tower-pretrained"]


def outcomes(line: Any) -> dict[str, str]:
    return {scenario.name: str(scenario.outcome) for scenario in line.scenarios}


def test_weights_that_a_constructor_loads_are_lost_on_this_pair_and_a_whole_checkpoint_counts(attempt: Attempt) -> None:
    line = attempt(PRETRAINED, VIT)
    assert outcomes(line) == {
        "constructed": "tensors",
        "whole checkpoint": "passed",
        "frozen": "flags",
        "without the tower": "tensors",
    }
    assert "initialised again" in line.reason


def test_a_file_that_counts_more_than_the_checkpoint_is_found(attempt: Attempt) -> None:
    def load_file(tower: Any) -> None:
        timm.models.load_pretrained(tower, tower.pretrained_cfg, num_classes=0)

    faulty = Faulty(PRETRAINED, to_model=load_file, only="whole checkpoint")
    line = attempt(faulty, VIT)
    assert outcomes(line)["whole checkpoint"] == "tensors"


def test_a_tower_that_initialises_itself_passes_on_this_pair(attempt: Attempt) -> None:
    assert attempt(INIT, VIT).outcome == "passed"


@pytest.mark.parametrize("scenario", ["by data", "by init"])
def test_weights_that_are_initialised_again_are_named_so(attempt: Attempt, scenario: str) -> None:
    def again(model: nn.Module) -> None:
        torch.manual_seed(0)
        for module in model.modules():
            ByData._init_weights(model, module)

    line = attempt(Faulty(INIT, to_model=again, only=scenario), VIT)
    assert outcomes(line)[scenario] == "tensors"
    assert "initialised again" in line.reason
