"""Compares the gradients that the outputs of a loaded model give with those of native timm."""

from collections.abc import Collection

import torch

from ...contract.finding import Finding
from ...contract.plan import Tolerance
from ..compare.gradients import differing, unlike
from ..models.native import Outputs, forget_cached
from .context import CaseContext
from .protocol import Back, Computed, Loaded
from .state import altered_flags


def second_call(step: Computed, first: Outputs, *, goes_back: bool) -> Outputs:
    """The outputs of a second call, with gradients if these are compared."""
    if not step.twice:
        return first
    if goes_back and step.loaded:
        forget_cached(step.loaded.model)
    with torch.set_grad_enabled(goes_back):
        return step.outputs()


def differing_gradients(
    step: Computed, loaded: Loaded, outputs: Outputs, context: CaseContext, tolerance: Tolerance
) -> list[Finding]:
    """The findings on one pass back from the outputs, or on which parameters it would reach."""
    context.went_back.append(context.scenario)
    models, frozen = (loaded.native, loaded.timm_module), _kept_frozen(loaded)
    if step.back is Back.EACH or (context.quick and context.scenario == context.went_back[0]):
        return differing(*models, outputs, tolerance, frozen)
    return list(unlike(*models, outputs, frozen))


def _kept_frozen(loaded: Loaded) -> Collection[str]:
    """The native parameters that the library freezes on purpose; those that timm freezes have no gradient anyway."""
    flags = altered_flags(loaded) if loaded.alters else None
    return flags.frozen if flags else frozenset()
