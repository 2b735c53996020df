"""Compares one backward pass: a loaded model must give its parameters the gradients that native timm gives."""

from collections.abc import Collection, Iterator
from typing import Final

from torch import nn

from ...contract.case import Outcome
from ...contract.finding import Finding
from ...contract.plan import Tolerance
from ..models.native import Gradients, Native, Outputs, backward, reached
from .diagnosis import largest
from .typed import pattern

WIDER: Final = 20.0
"""How much further than an output a gradient may be off: it sums up the rounding of a pass in both directions.

The most that was seen without a fault is 13: an iFormer in a DETR, which computes batch norms in another way.
"""
WHERE: Final = "one backward pass"
NO_GRADIENT: Final = "gets no gradient"
A_GRADIENT: Final = "gets a gradient, and native timm's gets none"
IN_TIMM: Final = "gets no gradient from native timm, though it is a LayerScale"


def differing(
    native: Native, loaded: nn.Module, outputs: Outputs, tolerance: Tolerance, frozen: Collection[str] = ()
) -> list[Finding]:
    """The gradients of `loaded` that are not those of native timm, by a pass back from its `outputs`.

    Those of `frozen` parameters are not compared.
    """
    names = tuple(name for name in native.runs.first if name in outputs)
    actual = backward(loaded, {name: outputs[name] for name in names})
    expected = native.gradients(names)
    # Native timm is no oracle for itself: a LayerScale is there to be trained.
    untrained = [name for name in native.scales if name in expected and expected[name] is None and name not in frozen]
    return [_finding(name, IN_TIMM) for name in sorted(untrained)] + list(compare(expected, actual, tolerance, frozen))


def unlike(native: Native, loaded: nn.Module, outputs: Outputs, frozen: Collection[str] = ()) -> Iterator[Finding]:
    """The parameters to which the first output that differs gives a gradient, and native timm's does not, or not.

    Nothing is computed but native timm's outputs.
    """
    names = tuple(name for name in native.runs.first if name in outputs)
    both = {name for name, _ in loaded.named_parameters()} & {name for name, _ in native.module.named_parameters()}
    for name, expected in native.reached(names).items():
        actual = reached(loaded, outputs[name])
        if differing := (actual ^ expected) & both - frozenset(frozen):
            yield from (_finding(parameter, f"{NO_GRADIENT} from {name}") for parameter in sorted(differing & expected))
            yield from (_finding(parameter, A_GRADIENT) for parameter in sorted(differing & actual))
            return


def compare(
    expected: Gradients, actual: Gradients, tolerance: Tolerance, frozen: Collection[str] = ()
) -> Iterator[Finding]:
    """The findings on gradients that only one side has, that are not finite, or that are off."""
    sizes = {name: largest(gradient) for name, gradient in expected.items() if gradient is not None}
    most = max(sizes.values(), default=0.0)
    for name, gradient in expected.items():
        if name in frozen or name not in actual:
            continue
        other = actual[name]
        if (gradient is None) != (other is None):
            yield _finding(name, NO_GRADIENT if other is None else A_GRADIENT)
        elif gradient is not None and other is not None:
            distance = largest(gradient - other)
            if not distance <= WIDER * (tolerance.rtol * sizes[name] + tolerance.atol * most):  # NaN is beyond
                finite = bool(other.isfinite().all())
                yield _finding(name, "gets another gradient" if finite else "gets a gradient that is not finite")


def _finding(name: str, how: str) -> Finding:
    return Finding(Outcome.GRADIENTS, WHERE, pattern(name), how, example=name)
