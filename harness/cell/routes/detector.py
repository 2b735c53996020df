"""`detector`: the detectors and segmenters of transformers on a timm backbone, shrunk, saved and loaded.

DETR, Conditional DETR, Table Transformer, Deformable DETR, RT-DETR v2, D-FINE, UperNet and Mask2Former, each given its
backbone by a TimmBackboneConfig and by timm's name for it; and OmDet-Turbo.

Compared with native timm: feature maps; logits, boxes and hidden states are compared with those of the saved model.
"""

from collections.abc import Mapping
from typing import Any, Final

import torch
import transformers
from torch import Tensor

from ...contract.catalog import Entry
from ..models.installed import Release
from ..models.native import Native, Outputs, numbered
from ..models.reference import ReferenceModel
from ..scenarios.context import CaseContext
from ..scenarios.holder import WHOLE, Holder, module_prefix, save_and_load
from ..scenarios.protocol import Back, Scenario
from .backbone import no_backbone
from .detectors import BOXES, DetectorScenario, detector_scenarios

MASK: Final = "the mask matters"
APART: Final = "a picture beside a padded one is detected as alone"
TRACKED: Final = "num_batches_tracked"  # a buffer that a frozen batch norm lacks


class DetectorRoute:
    """Save the detector and load it: the backbone's feature maps, and the detections."""

    name = "detector"

    def unsupported(self, release: Release, entry: Entry) -> str | None:
        """Architectures without `features_only` in timm have no such route."""
        return no_backbone(release, entry)

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """One for each detector that this release has, and each form of giving it a backbone."""
        return {
            name: save_and_load(context, _holder(context, scenario))
            for name, scenario in detector_scenarios(context.release, context.reference)
        }


def _holder(context: CaseContext, scenario: DetectorScenario) -> Holder:
    reference, detector = context.reference, scenario.detector

    def run(model: Any) -> Outputs:
        output = model(**detector.inputs(reference))
        timm_module = model.get_submodule(module_prefix(model, detector.prefixes))
        whole = {f"{WHOLE} {name}": output[name] for name in detector.outputs}
        masked = _masked(reference, model) if detector.masks else {}
        return {**numbered(timm_module(reference.image)), **whole, **masked}

    def native() -> Native:
        maps = reference.features_at(scenario.levels.indices)
        matters = {name: torch.tensor(data=True) for name in (MASK, APART) if detector.masks}
        return Native(maps.module, lambda: {**maps.run(), **matters}, maps.state)

    def frozen() -> frozenset[str]:
        names = reference.features.names if detector.freezes else ()
        return frozenset(name for name in names if name.endswith(TRACKED))

    return Holder(
        build=scenario.build,
        from_pretrained=getattr(transformers, detector.cls).from_pretrained,
        prefixes=detector.prefixes,
        native=native,
        run=run,
        left_out=frozen,
        alters=detector.freezes,
        back=Back.EACH,
    )


def _masked(reference: ReferenceModel, model: Any) -> Outputs:
    """Detections in two pictures of which one is padded, and whether its mask changes any of them."""
    pixels = reference.two.to(reference.placement.dtype)
    mask = torch.ones(pixels.shape[0], *pixels.shape[-2:], dtype=torch.long, device=pixels.device)
    mask[1, mask.shape[1] // 2 :] = 0
    padded = pixels * mask[:, None]
    masked, plain = model(pixel_values=padded, pixel_mask=mask), model(pixel_values=padded)
    alone = model(pixel_values=padded[:1])
    apart = all(_distance(alone[name], masked[name][0]) <= _distance(alone[name], masked[name][1]) for name in BOXES)
    whole = {f"{WHOLE} {name} of a padded picture": masked[name] for name in BOXES}
    matters = not torch.equal(masked.logits[1], plain.logits[1])
    return {**whole, MASK: torch.tensor(matters), APART: torch.tensor(apart)}


def _distance(first: Tensor, second: Tensor) -> float:
    return float((first - second).detach().abs().max())


ROUTE: Final = DetectorRoute()
