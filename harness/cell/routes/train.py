"""`train`: an image classifier loaded from a timm checkpoint, trained in a loop of one's own.

A step of SGD; a pass back with gradient checkpointing; and one with gradients of what the first layer gives, as
adapters need it.

Compared with native timm: logits after the same step; logits and gradients in training mode.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final

import torch
from torch import Tensor, nn
from transformers import AutoModelForImageClassification

from ...contract.catalog import Entry
from ..models.installed import Release
from ..models.native import STATISTICS, Native, Outputs, backward, trained
from ..models.reference import ReferenceModel
from ..scenarios.context import CaseContext
from ..scenarios.protocol import Back, Computed, Loaded, Scenario
from . import after_training
from .classifier import no_classifier
from .roundtrip import run_whole
from .wrapped import PREFIX


class Train:
    """A loop of one's own: a step, gradient checkpointing, gradients of the input."""

    name = "train"

    def unsupported(self, release: Release, entry: Entry) -> str | None:
        """Releases before TimmWrapper, and encoders without a head, lack the route."""
        return no_classifier(release, entry)

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """A step; and passes back through a model whose memory is saved, or whose body is frozen."""
        return {
            "step": _step(context),
            "gradient checkpointing": _back(context, _checkpointing),
            "input gradients": _back(context, _with_input_gradients),
        }


def _step(context: CaseContext) -> Scenario:
    reference, native = context.reference, context.native(lambda: _by_hand(context.reference))
    model, _ = context.load(AutoModelForImageClassification.from_pretrained, context.checkpoint())
    with context.during("train"):
        after_training.steps(model, lambda: model(reference.two).logits, reference.placement.device)
    yield Computed(lambda: run_whole(reference, model), lambda: native.runs)


def _by_hand(reference: ReferenceModel) -> Native:
    native, two = after_training.holding(reference, reference.state), reference.two.to(reference.placement.dtype)
    after_training.steps(native.module, lambda: native.module(two), reference.placement.device)
    return native


def _back(context: CaseContext, enabled: Callable[[Any], AbstractContextManager[None]]) -> Scenario:
    """A pass back with something enabled, of which nothing may stay behind."""
    reference, native = context.reference, context.native(lambda: _passed_back(context.reference))
    model, info = context.load(AutoModelForImageClassification.from_pretrained, context.checkpoint())
    loaded = Loaded(model, PREFIX, native, info)
    yield loaded

    def outputs() -> Outputs:
        with enabled(model):
            return _gradients(model, loaded.timm_module, lambda: model(reference.two).logits)

    yield Computed(outputs, lambda: native.runs, back=Back.NEVER)
    context.look(model)
    yield loaded


def _passed_back(reference: ReferenceModel) -> Native:
    """Native timm, whose run is a pass back in training mode."""
    made, two = reference.create(lambda _: {}, **reference.head_arguments), reference.two.to(reference.placement.dtype)
    module = made.module
    return Native(module, lambda: _gradients(module, module, lambda: module(two)), made.state)


def _gradients(model: nn.Module, timm_module: nn.Module, logits: Callable[[], Tensor]) -> Outputs:
    """Logits in training mode, and the gradient of each parameter that has one."""

    def run() -> Outputs:
        with torch.enable_grad():
            outputs = {"logits": logits()}
            found = backward(timm_module, outputs)
        gradients = {f"gradient of {name}": gradient for name, gradient in found.items() if gradient is not None}
        return {"logits": outputs["logits"].detach(), **gradients}

    return {name: tensor for name, tensor in trained(model, timm_module, run).items() if not name.endswith(STATISTICS)}


@contextlib.contextmanager
def _checkpointing(model: Any) -> Iterator[None]:
    """Gradient checkpointing, where the model says that it can."""
    if not model.supports_gradient_checkpointing:
        yield
        return
    model.gradient_checkpointing_enable()
    try:
        yield
    finally:
        model.gradient_checkpointing_disable()


@contextlib.contextmanager
def _with_input_gradients(model: Any) -> Iterator[None]:
    """Gradients of what the first layer gives."""
    model.enable_input_require_grads()
    try:
        yield
    finally:
        model.disable_input_require_grads()


ROUTE: Final = Train()
