"""timm against itself: a scenario of `tower`, as that route exists in every release.

Compared with what this release of timm computed when it was recorded, and with the nearest older one that is on record
with the same slim model.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from ...contract import fingerprints
from ...contract.case import SEED, Size
from ...contract.fingerprints import Print
from ..models.reference import ReferenceModel
from ..probes import probes
from ..scenarios.context import CaseContext
from ..scenarios.protocol import Recorded, Scenario

NAME: Final = "as before"
ITSELF: Final = "this release did when it was recorded"


def of_timm(context: CaseContext) -> Mapping[str, Scenario]:
    """The scenario, for a model on the CPU of which there is a record once slim, as it is compared; else none.

    None either where checkpoints of another pair are loaded: nothing of them is used here.
    """
    reference = context.reference
    if reference.placement.device != "cpu" or not reference.size.is_cut or context.handover.takes is not None:
        return {}
    recorded = dict(_recorded(context))
    return {NAME: _compared(context, recorded)} if recorded else {}


def _recorded(context: CaseContext) -> Iterator[tuple[str, Mapping[str, Print]]]:
    """The outputs on record of this release, and of the nearest older one that has the model, by words."""
    installed, drawn = str(context.release.timm), probes.drawn()
    for prints in fingerprints.up_to(installed, fingerprints.PACKAGED):
        line = prints.of(context.reference.entry)
        if line is None or prints.seed != SEED:
            continue
        outputs = line.outputs if prints.random == drawn else without_random(line.outputs)
        if prints.timm != installed:
            yield f"timm {prints.timm}", outputs
            return
        yield ITSELF, outputs


def _slim(reference: ReferenceModel) -> ReferenceModel:
    is_slim = reference.size == Size.SLIM
    return reference if is_slim else ReferenceModel(reference.entry, Size.SLIM, reference.placement)


def without_random(outputs: Mapping[str, Print]) -> Mapping[str, Print]:
    """The outputs that do not rest on drawn numbers."""
    return {name: print_ for name, print_ in outputs.items() if name.partition(":")[0] != probes.TRAINING}


def _compared(context: CaseContext, recorded: Mapping[str, Mapping[str, Print]]) -> Scenario:
    with context.during("native"):
        outputs, raised = probes.outputs_of(_slim(context.reference), probes.PROBES)
    yield Recorded(outputs, raised, recorded)
