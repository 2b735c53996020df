"""`tower-init`: the model of `tower` with an `_init_weights` of its own, as people write it.

By `.data`, as tutorials did for years; and by `nn.init`.

Compared with native timm: vision features; the whole output is compared with that of the model that was saved.
"""

from collections.abc import Mapping
from typing import Final

from torch import nn

from ...contract.catalog import Entry
from ..models.installed import Release
from ..scenarios.context import CaseContext
from ..scenarios.holder import save_and_load
from ..scenarios.protocol import Scenario
from .tower import Tower, TowerConfig, holder

STD: Final = 0.02


class TowerInitConfig(TowerConfig):
    """Names the timm architecture of a tower with an `_init_weights` of its own."""

    model_type = "timm_tower_init"


class ByData(Tower):
    """Initialises through `.data`, which no library can see."""

    config_class = TowerInitConfig

    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Linear | nn.Conv2d | nn.Embedding):
            module.weight.data.normal_(mean=0.0, std=STD)
            if getattr(module, "bias", None) is not None:
                module.bias.data.zero_()
        elif isinstance(module, nn.LayerNorm) and module.elementwise_affine:
            module.weight.data.fill_(1.0)
            if module.bias is not None:
                module.bias.data.zero_()


class ByInit(Tower):
    """Initialises through `nn.init`, whose functions transformers 5 makes leave loaded weights alone."""

    config_class = TowerInitConfig

    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Linear | nn.Conv2d | nn.Embedding):
            nn.init.normal_(module.weight, mean=0.0, std=STD)
            if getattr(module, "bias", None) is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.LayerNorm) and module.elementwise_affine:
            nn.init.ones_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


class TowerInitRoute:
    """A bare timm model in a custom model that initialises its modules itself."""

    name = "tower-init"

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """None: a custom model can hold any timm model."""
        return None

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """Saved and loaded whole, for each way of writing `_init_weights`."""
        return {
            name: save_and_load(context, holder(context.reference, kind, "vision_tower"))
            for name, kind in (("by data", ByData), ("by init", ByInit))
        }


ROUTE: Final = TowerInitRoute()
