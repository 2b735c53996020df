"""`backbone-features`: the model of `backbone` asked for its hidden states.

Compared with native timm: the feature maps of all levels.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from ...contract.catalog import Entry
from ..models.installed import Release
from ..models.native import Native, Outputs, numbered
from ..scenarios.context import CaseContext
from ..scenarios.holder import save_and_load
from ..scenarios.protocol import Back, Scenario
from .backbone import no_backbone, segmenter


class BackboneFeatures:
    """The hidden states of a TimmBackbone in a custom model, which are all its levels."""

    name = "backbone-features"

    def unsupported(self, release: Release, entry: Entry) -> str | None:
        """Architectures without `features_only` in timm have no such route."""
        return no_backbone(release, entry)

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """Once with all levels as feature maps, once with the last level only."""
        return {"": _hidden(context, all_levels=True), "last level": _hidden(context, all_levels=False)}


def _hidden(context: CaseContext, *, all_levels: bool) -> Scenario:
    """The feature maps are all levels, or the last one; the hidden states are all levels in both cases."""
    reference = context.reference
    levels = reference.levels if all_levels else reference.levels[-1:]

    def native() -> Native:
        states = reference.features
        maps = states if all_levels else reference.features_at(levels)

        def expected() -> Outputs:
            hidden = numbered(states.run().values(), "hidden_states")
            return {**maps.run(), **hidden}

        return Native(maps.module, expected, maps.state)

    def run(model: Any) -> Outputs:
        output = model.backbone(reference.image, output_hidden_states=True)
        hidden = numbered(output.hidden_states, "hidden_states")
        return {**numbered(output.feature_maps), **hidden}

    holder = segmenter(reference, native, reference.image, len(levels), out_indices=levels)
    yield from save_and_load(context, replace(holder, run=run, back=Back.FIRST if all_levels else Back.NEVER))


ROUTE: Final = BackboneFeatures()
