"""`tower-wrapper`: the model of `tower`, holding a TimmWrapperModel.

Compared with native timm: vision features; the whole output is compared with that of the model that was saved.
"""

from collections.abc import Mapping
from typing import Final

from torch import Tensor, nn

from ...contract.catalog import Entry
from ..models.installed import Release
from ..scenarios.context import CaseContext
from ..scenarios.holder import save_and_load
from ..scenarios.protocol import Scenario
from .tower import Tower, TowerConfig, holder
from .wrapped import PREFIX, no_wrapper


class TowerWrapperConfig(TowerConfig):
    """Names the timm architecture of a vision tower in transformers' wrapper."""

    model_type = "timm_tower_wrapper"


class TowerWrapper(Tower):
    """The model of `tower` with a TimmWrapperModel as its vision tower."""

    config_class = TowerWrapperConfig

    def vision(self, config: TowerConfig) -> nn.Module:
        """The vision tower, built from a configuration as AutoModel builds it."""
        from transformers import TimmWrapperConfig, TimmWrapperModel  # noqa: PLC0415  not before 4.48

        module: nn.Module = TimmWrapperModel(TimmWrapperConfig(architecture=config.architecture))
        return module

    def features(self, pixel_values: Tensor) -> Tensor:
        """Unpooled vision features."""
        features: Tensor = self.vision_tower(pixel_values, do_pooling=False).last_hidden_state
        return features


class TowerWrapperRoute:
    """A TimmWrapperModel in a custom model."""

    name = "tower-wrapper"

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """Releases before TimmWrapperModel lack the route."""
        return no_wrapper(release)

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """A single scenario: saved and loaded whole."""
        return {"": save_and_load(context, holder(context.reference, TowerWrapper, f"vision_tower.{PREFIX}"))}


ROUTE: Final = TowerWrapperRoute()
