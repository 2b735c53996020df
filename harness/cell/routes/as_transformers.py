"""timm against the class of transformers that implements the same architecture: a scenario of `tower`.

Compared with what that class computes with the same weights.
"""

from collections.abc import Mapping
from typing import Final

import torch

from ..compare.comparison import fingerprint
from ..models.native import refuse_nonfinite
from ..probes import implementations
from ..probes.implementations import Implementation
from ..scenarios.context import CaseContext
from ..scenarios.protocol import Recorded, Scenario

NAME: Final = "as transformers"


def of_timm(context: CaseContext) -> Mapping[str, Scenario]:
    """The scenario, for a model that transformers implements too, cut, in float32 on the CPU; else none."""
    reference = context.reference
    implementation = implementations.of(reference.entry.model)
    placement = reference.placement
    applies = placement.is_default and placement.device == "cpu" and reference.size.is_cut
    return {NAME: _compared(context, implementation)} if implementation and applies else {}


def _compared(context: CaseContext, implementation: Implementation) -> Scenario:
    with context.during("native"), torch.no_grad():
        module, pixels = implementation.native(context.reference)
        native = implementation.native_outputs(module, pixels)
        refuse_nonfinite(native)
    with context.during("load"), torch.no_grad():
        model = implementation.load(module, pixels, context.folder / "as-transformers")
    with context.during("run"), torch.no_grad():
        outputs = implementation.outputs(model, pixels)
    yield Recorded(fingerprint(native), {}, {f"transformers' {type(model).__name__}": fingerprint(outputs)})
