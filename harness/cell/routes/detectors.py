"""The detectors and segmenters of transformers that build on a timm backbone, each shrunk: a table for `detector`."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import transformers
from packaging.version import Version
from torch import Tensor

from ..models.installed import Release
from ..models.reference import ReferenceModel
from .backbone import backbone_config
from .detector_fields import deformable, detr, mask2former, omdet, rt_detr, upernet, words
from .levels import Levels

BY_NAME: Final = " by name"
BOXES: Final = ("logits", "pred_boxes")
BACKBONE_CONFIG: Final = Version("5.1.0.dev0")
"""Since this version a detector that is given timm's name for its backbone makes a configuration of that itself."""


@dataclass(frozen=True)
class Detector:
    """A detector of transformers: its class, the fields of its configuration, its inputs and its outputs' names.

    `takes` are the levels that it is built on, and `named` those that it takes if it is given a name, and makes the
    configuration itself. `prefixes` may lead to the timm module. One that `freezes` replaces the backbone's batch
    norms; one that `masks` takes a `pixel_mask` for pictures that are padded. It needs at least the `least` levels.
    """

    cls: str
    fields: Callable[[Levels], Mapping[str, Any]]
    outputs: tuple[str, ...]
    prefixes: tuple[str, ...]
    takes: Callable[[Levels], Levels] = lambda levels: levels
    inputs: Callable[[ReferenceModel], Mapping[str, Tensor]] = lambda reference: {"pixel_values": reference.image}
    freezes: bool = True
    masks: bool = False
    named: tuple[int, ...] = ()
    by_name: bool = True
    least: int = 1


@dataclass(frozen=True)
class DetectorScenario:
    """A detector, and how it is given its backbone: by a TimmBackboneConfig, or by timm's name for it."""

    detector: Detector
    reference: ReferenceModel
    release: Release
    by_name: bool

    @property
    def levels(self) -> Levels:
        """The levels of the backbone that the detector takes."""
        every = Levels.of(self.reference)
        return every.at(self.detector.named) if self._has_fixed_levels else self.detector.takes(every)

    @property
    def exists(self) -> bool:
        """Whether the detector can be given its backbone so, and the model has levels enough for it."""
        if self.by_name and not self.detector.by_name:
            return False
        return len(self.reference.levels) >= self.detector.least

    @property
    def _has_fixed_levels(self) -> bool:
        """Whether transformers itself says which levels: those that it fixes, if the model has them."""
        named = self.detector.named
        return self.by_name and self._makes_config and bool(named) and set(named) <= set(self.reference.levels)

    @property
    def _makes_config(self) -> bool:
        return self.release.transformers >= BACKBONE_CONFIG

    def build(self) -> Any:
        """The detector, with fresh weights."""
        cls, levels = getattr(transformers, self.detector.cls), self.levels
        return cls(cls.config_class(**self.detector.fields(levels), **self._backbone(levels)))

    def _backbone(self, levels: Levels) -> Mapping[str, Any]:
        if self.by_name:
            named = {"use_timm_backbone": True, "use_pretrained_backbone": False}
            kwargs = {} if self._has_fixed_levels else {"backbone_kwargs": {"out_indices": list(levels.indices)}}
            return {**named, "backbone": self.reference.architecture, **kwargs}
        config = backbone_config(self.reference.architecture, out_indices=levels.indices)
        nothing_else = {"use_timm_backbone": False, "use_pretrained_backbone": False, "backbone": None}
        return {"backbone_config": config, **({} if self._makes_config else nothing_else)}


def _prefixes(*places: str) -> tuple[str, ...]:
    """The timm module at these places, in a TimmBackbone or without one. The first that names a module counts."""
    return tuple(name for place in places for name in (f"{place}._backbone", place))


# Recent releases hold the module at the first place, and save it under the name of the second.
DETR: Final = _prefixes("model.backbone.model", "model.backbone.conv_encoder.model")
ALL_BUT_FIRST: Final = (1, 2, 3, 4)
_detection = partial(Detector, outputs=BOXES, prefixes=DETR)
DETECTORS: Final[Mapping[str, Detector]] = {
    "DETR": _detection("DetrForObjectDetection", detr, masks=True, named=ALL_BUT_FIRST),
    "Conditional DETR": _detection("ConditionalDetrForObjectDetection", detr, masks=True, named=ALL_BUT_FIRST),
    "Table Transformer": _detection("TableTransformerForObjectDetection", detr, masks=True, named=ALL_BUT_FIRST),
    "Deformable DETR": _detection(
        "DeformableDetrForObjectDetection", deformable, takes=lambda every: every.last(3), named=(2, 3, 4)
    ),
    "RT-DETR v2": _detection("RTDetrV2ForObjectDetection", rt_detr, takes=lambda every: every.halving(3)),
    "D-FINE": _detection("DFineForObjectDetection", rt_detr, takes=lambda every: every.halving(3)),
    "UperNet": Detector("UperNetForSemanticSegmentation", upernet, ("logits",), _prefixes("backbone"), freezes=False),
    "Mask2Former": Detector(
        "Mask2FormerModel",  # whose head for segmentation needs scipy
        mask2former,
        ("pixel_decoder_last_hidden_state", "transformer_decoder_last_hidden_state"),
        _prefixes("pixel_level_module.encoder"),
        takes=lambda every: every.last(4),
        freezes=False,
        least=3,
    ),
    "OmDet-Turbo": Detector(
        "OmDetTurboForObjectDetection",
        omdet,
        ("decoder_class_logits", "decoder_coord_logits"),
        _prefixes("vision_backbone.vision_backbone"),
        takes=lambda every: every.last(1),
        inputs=words,
        freezes=False,
        by_name=False,
    ),
}


def detector_scenarios(release: Release, reference: ReferenceModel) -> Iterator[tuple[str, DetectorScenario]]:
    """The detectors that this release has for this model, each with its backbone given in either form, by name."""
    for name, detector in DETECTORS.items():
        if hasattr(transformers, detector.cls):
            for suffix in ("", BY_NAME):
                scenario = DetectorScenario(detector, reference, release, by_name=bool(suffix))
                if scenario.exists:
                    yield f"{name}{suffix}", scenario
