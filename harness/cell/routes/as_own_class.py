"""timm against transformers' own class of the same architecture: a scenario of `tower`, like `as_before`.

Compared with what that class computes with the same weights.
"""

from collections.abc import Mapping
from typing import Final

import torch

from ...contract.case import Size
from ..compare.comparison import fingerprint
from ..models.native import refuse_nonfinite
from ..probes import own_classes
from ..probes.own_classes import OwnClass
from ..scenarios.context import CaseContext
from ..scenarios.protocol import Recorded, Scenario

NAME: Final = "as transformers' own class"


def of_timm(context: CaseContext) -> Mapping[str, Scenario]:
    """The scenario, for a model that is cut, in float32 on the CPU that transformers has a class for; else none."""
    reference = context.reference
    own_class = own_classes.of(reference.entry.model)
    placement = reference.placement
    applies = placement.is_default and placement.device == "cpu" and Size(reference.size).is_cut
    return {NAME: _compared(context, own_class)} if own_class and applies else {}


def _compared(context: CaseContext, own_class: OwnClass) -> Scenario:
    with context.during("native"), torch.no_grad():
        module, pixels = own_class.native(context.reference)
        native = own_class.native_outputs(module, pixels)
        refuse_nonfinite(native)
    with context.during("load"), torch.no_grad():
        model = own_class.load(module, pixels, context.folder / "own-class")
    with context.during("run"), torch.no_grad():
        outputs = own_class.outputs(model, pixels)
    yield Recorded(fingerprint(native), {}, {f"transformers' own {type(model).__name__}": fingerprint(outputs)})
