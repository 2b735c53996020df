"""What the route `train` sees of a library that trains a wrapper otherwise than timm trains its model."""

from collections.abc import Callable
from typing import Any

import pytest
from transformers import TimmWrapperForImageClassification
from transformers.models.timm_wrapper import modeling_timm_wrapper

from harness.cell.routes import ROUTES
from harness.contract.record import CaseLine

VIT = "test_vit2"
FORWARD = TimmWrapperForImageClassification.forward


def _checkpoints_for_good(patch: pytest.MonkeyPatch) -> None:
    def enable(self: Any, *_: Any, **__: Any) -> None:
        self.timm_model.set_grad_checkpointing(enable=True)

    patch.setattr(modeling_timm_wrapper.TimmWrapperPreTrainedModel, "_set_gradient_checkpointing", enable)


def _input_without_gradients(patch: pytest.MonkeyPatch) -> None:
    def freeze(self: Any) -> None:
        next(self.parameters()).requires_grad_(requires_grad=False)

    patch.setattr(TimmWrapperForImageClassification, "enable_input_require_grads", freeze)
    patch.setattr(TimmWrapperForImageClassification, "disable_input_require_grads", lambda _: None)


def _half_the_logits_in_training(patch: pytest.MonkeyPatch) -> None:
    def forward(self: Any, *arguments: Any, **kwargs: Any) -> Any:
        output = FORWARD(self, *arguments, **kwargs)
        if self.training:
            output.logits = output.logits / 2
        return output

    patch.setattr(TimmWrapperForImageClassification, "forward", forward)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        pytest.param(_checkpoints_for_good, "grad_checkpointing", id="checkpointing stays on"),
        pytest.param(_input_without_gradients, "requires no gradient", id="a layer stays frozen"),
        pytest.param(_half_the_logits_in_training, "off at logits", id="other logits in training mode"),
    ],
)
def test_a_fault_in_training_is_seen(
    attempt: Callable[..., CaseLine],
    monkeypatch: pytest.MonkeyPatch,
    fault: Callable[[pytest.MonkeyPatch], None],
    said: str,
) -> None:
    fault(monkeypatch)
    line = attempt(ROUTES["train"], VIT)
    found = [finding.words for scenario in line.scenarios for finding in scenario.findings]
    assert any(said in words for words in found), found
