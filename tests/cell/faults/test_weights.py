"""How models are built without the arithmetic of their initialisation."""

import pytest
import torch
from torch import nn

from harness.cell.models.weights import cheap_randomness, nothing_without_values


def test_parameters_without_values_are_not_computed_with(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[torch.Tensor] = []
    usual = torch.Tensor.clamp_

    def clamp_(tensor: torch.Tensor, **bounds: float) -> torch.Tensor:
        calls.append(tensor)
        return usual(tensor, **bounds)

    monkeypatch.setattr(torch.Tensor, "clamp_", clamp_)
    parameter = nn.Parameter(torch.empty(3, device="meta"))
    with nothing_without_values(), torch.no_grad():
        assert parameter.clamp_(min=0) is parameter
        assert calls == []
        filled = nn.Parameter(torch.ones(3)).clamp_(max=0)
    assert [call is filled for call in calls] == [True]


def test_those_with_values_are_initialised_as_ever() -> None:
    with nothing_without_values():
        parameter = nn.init.constant_(nn.Parameter(torch.empty(3)), 2)
        drawn = nn.init.normal_(nn.Parameter(torch.zeros(3)))
    assert parameter.tolist() == [2, 2, 2]
    assert drawn.count_nonzero() == 3


def test_what_cannot_be_done_without_values_is_still_refused() -> None:
    parameter = nn.Parameter(torch.empty(3, device="meta"))
    with nothing_without_values():
        with pytest.raises(RuntimeError, match="leaf Variable"):
            parameter.mul_(2)
        with torch.no_grad(), pytest.raises(RuntimeError):
            parameter.add_(torch.empty(4, device="meta"))


def test_one_inside_another_ends_without_a_trace() -> None:
    before = dict(vars(nn.Parameter))
    with cheap_randomness(), nothing_without_values():
        pass
    assert dict(vars(nn.Parameter)) == before
