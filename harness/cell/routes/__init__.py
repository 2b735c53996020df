"""The roads, by name. To add one: a file with a class of the protocol in `road`, and a line here."""

from collections.abc import Mapping
from typing import Final

from harness.cell.routes.backbone import Backbone, BackboneFeatures
from harness.cell.routes.backbone_pretrained import BackbonePretrained
from harness.cell.routes.classifier import Classifier
from harness.cell.routes.detector import DetectorRoute
from harness.cell.routes.hub import Hub
from harness.cell.routes.legacy_layernorm import LegacyLayerNorm
from harness.cell.routes.partial import Partial
from harness.cell.routes.pipeline import Pipeline
from harness.cell.routes.processor import Processor
from harness.cell.routes.resume import Resume
from harness.cell.routes.road import Route
from harness.cell.routes.roundtrip import RoundTrip
from harness.cell.routes.scratch import Scratch
from harness.cell.routes.tower import TowerRoute, TowerWrapperRoute
from harness.cell.routes.vlm import VlmRoute
from harness.cell.routes.wrapper import Wrapper
from harness.cell.routes.wrapper_features import WrapperFeatures

ROUTES: Final[Mapping[str, Route]] = {
    route.name: route
    for route in (
        *(
            Wrapper(),
            WrapperFeatures(),
            Classifier(),
            Backbone(),
            BackbonePretrained(),
            BackboneFeatures(),
            DetectorRoute(),
        ),
        *(TowerRoute(), TowerWrapperRoute(), VlmRoute()),
        *(Hub(), RoundTrip(), Scratch(), Partial(), Resume()),
        *(Processor(), Pipeline(), LegacyLayerNorm()),
    )
}
