"""A step of training: a scenario of `classifier`, `wrapper` and `tower`, with dropout and drop path at work.

Compared with native timm, seeded alike: outputs in training mode, running statistics after it, and gradients.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import timm
import torch
from torch import Tensor, nn

from ...contract.case import SEED
from ..models import weights
from ..models.installed import MODEL_ARGS
from ..models.native import Native, Outputs, Runs
from ..models.reference import ReferenceModel
from ..scenarios.context import CaseContext
from ..scenarios.protocol import Computed, Loaded, Scenario

NAME: Final = "training"
DROPOUT: Final[Mapping[str, float]] = {"drop_rate": 0.2}
DROPS: Final[Sequence[Mapping[str, float]]] = (
    {**DROPOUT, "drop_path_rate": 0.5, "proj_drop_rate": 0.2},
    {**DROPOUT, "drop_path_rate": 0.5},
)
STATISTICS: Final = ("running_mean", "running_var", "num_batches_tracked")


def drops(reference: ReferenceModel) -> Mapping[str, float]:
    """The rates above zero that an architecture takes: drop path is not for all, nor dropout inside its blocks."""
    for rates in DROPS:
        with contextlib.suppress(TypeError), weights.uninitialised():
            timm.create_model(reference.architecture, pretrained=False, **rates)
            return rates
    return DROPOUT


def of_wrapper(
    context: CaseContext,
    from_pretrained: Callable[..., Any],
    prefix: str,
    outputs: Callable[[Any, Tensor], Outputs],
    native_outputs: Callable[[Any, Tensor], Outputs],
    **kwargs: Any,
) -> Scenario:
    """Load a wrapper with the rates in its `model_args`, where the release passes these on, and train it.

    The outputs are those of a loaded and of a native model for some pixels; `kwargs` go to `timm.create_model`.
    """
    reference = context.reference
    rates = drops(reference) if context.release.transformers >= MODEL_ARGS else {}
    native = context.native(lambda: in_training(reference, native_outputs, **kwargs, **rates))
    arguments = {"model_args": dict(rates)} if rates else {}
    model, info = context.load(from_pretrained, context.checkpoint(), **arguments)
    left_out = frozenset(reference.state) - frozenset(native.names)
    loaded = Loaded(model, prefix, native, info, left_out=left_out)
    yield loaded
    yield step(loaded, lambda: outputs(model, reference.two))


def in_training(reference: ReferenceModel, outputs: Callable[[Any, Tensor], Outputs], **kwargs: Any) -> Native:
    """The native model of these arguments, whose run is a step of training on two pictures."""
    two = reference.two.to(reference.placement.dtype)
    made = reference.create(lambda _: {}, **kwargs)
    return Native(made.module, lambda: trained(made.module, made.module, lambda: outputs(made.module, two)), made.state)


def step(loaded: Loaded, run: Callable[[], Outputs]) -> Computed:
    """The step that compares a loaded model's training with that of its native model."""
    native = loaded.native
    return Computed(lambda: trained(loaded.model, loaded.timm_module, run), lambda: Runs.of(native.run), loaded)


def trained(model: nn.Module, timm_module: nn.Module, run: Callable[[], Outputs]) -> Outputs:
    """The outputs of a model in training mode, and the running statistics of its timm module afterwards.

    The model itself stays as it was: what the pass changes are copies of its buffers. The generator is seeded alike for
    each call, and put back.
    """
    held = [(module, dict(module._buffers)) for module in model.modules()]  # noqa: SLF001  torch has no public name
    for module, buffers in held:
        module._buffers.update({name: buffer.clone() for name, buffer in buffers.items() if buffer is not None})  # noqa: SLF001
    devices = [0] if next(model.parameters()).is_cuda else []
    try:
        with torch.random.fork_rng(devices):
            torch.manual_seed(SEED)
            outputs = run_in_training_mode(model, run)
        statistics = {name: buffer for name, buffer in timm_module.named_buffers() if name.endswith(STATISTICS)}
        return {**outputs, **statistics}
    finally:
        for module, buffers in held:
            module._buffers.update(buffers)  # noqa: SLF001


def run_in_training_mode(model: nn.Module, run: Callable[[], Outputs]) -> Outputs:
    """The outputs of `run` with a model in training mode."""
    model.train()
    try:
        return run()
    finally:
        model.eval()
