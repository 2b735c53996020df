"""Compares the gradients that the outputs of a loaded model give with those of native timm."""

from collections.abc import Collection

from ...contract.finding import Finding
from ...contract.plan import Tolerance
from ..compare.gradients import differing, unlike
from ..models.native import Outputs
from .context import CaseContext
from .protocol import Back, Computed, Loaded
from .state import expected_flags


def differing_gradients(
    step: Computed, loaded: Loaded, outputs: Outputs, context: CaseContext, tolerance: Tolerance
) -> list[Finding]:
    """The findings on one pass back from the outputs, or on which parameters it would reach."""
    context.went_back.append(context.scenario)
    models, frozen = (loaded.native, loaded.timm_module), _kept_frozen(loaded)
    if step.back is Back.EACH or context.scenario == context.went_back[0]:
        return differing(*models, outputs, tolerance, frozen)
    return list(unlike(*models, outputs, frozen))


def _kept_frozen(loaded: Loaded) -> Collection[str]:
    """The native parameters that the library freezes on purpose; those that timm freezes have no gradient anyway."""
    flags = expected_flags(loaded) if loaded.alters else None
    return flags.frozen if flags else frozenset()
