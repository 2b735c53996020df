"""A step of training: a scenario of `classifier`, `wrapper` and `tower`, with dropout and drop path at work.

Compared with native timm, seeded alike: outputs in training mode, running statistics after it, and gradients.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import timm
from torch import Tensor

from ..models import weights
from ..models.installed import MODEL_ARGS
from ..models.native import DROPOUT, DROPS, Native, Outputs, Runs, trained
from ..models.reference import ReferenceModel
from ..scenarios.context import CaseContext
from ..scenarios.protocol import Back, Computed, Loaded, Scenario

NAME: Final = "training"
RATES: Final[Sequence[Mapping[str, float]]] = ({**DROPS, "proj_drop_rate": 0.2}, DROPS)


def drops(reference: ReferenceModel) -> Mapping[str, float]:
    """The rates above zero that an architecture takes: drop path is not for all, nor dropout inside its blocks."""
    for rates in RATES:
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
    return Computed(
        lambda: trained(loaded.model, loaded.timm_module, run), lambda: Runs.of(native.run), loaded, back=Back.EACH
    )
