"""The roads, by name. To add one: a file with a class of the protocol in `road`, and a line here."""

from collections.abc import Mapping
from typing import Final

from ..scenarios.protocol import Route
from .backbone import Backbone, BackboneFeatures
from .backbone_pretrained import BackbonePretrained
from .classifier import Classifier
from .detector import DetectorRoute
from .hub import Hub
from .legacy_layernorm import LegacyLayerNorm
from .partial import Partial
from .pipeline import Pipeline
from .processor import Processor
from .resume import Resume
from .roundtrip import RoundTrip
from .scratch import Scratch
from .tower import TowerRoute, TowerWrapperRoute
from .vlm import VlmRoute
from .wrapper import Wrapper
from .wrapper_features import WrapperFeatures

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
