"""`partial`: a checkpoint that lacks the LayerScale parameters, as from before the model had them.

Into `AutoModel`, and into the model of `tower`.

Compared with native timm: the missing parameters must become what timm's constructor gives them, and everything else
must be as saved.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from transformers import AutoModel

from ...contract.catalog import Entry
from ..models.installed import Release
from ..models.layer_scales import layer_scales
from ..models.reference import ReferenceModel
from ..scenarios.context import CaseContext
from ..scenarios.holder import save_and_load
from ..scenarios.protocol import Computed, Loaded, Scenario
from .tower import tower
from .wrapped import PREFIX, embedding, head, no_wrapper


class Partial:
    """A checkpoint without LayerScales, loaded by AutoModel and by a custom model that holds a timm model."""

    name = "partial"

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """Models without LayerScale lack the route."""
        return None if entry.layer_scale else f"{entry.model} has no LayerScale that a checkpoint could lack"

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """The tower; and the wrapper, if this release has it."""
        into_wrapper = {} if no_wrapper(context.release) else {"wrapper": _into_wrapper(context)}
        return {**into_wrapper, "tower": _into_tower(context)}


def _into_wrapper(context: CaseContext) -> Scenario:
    reference, absent = context.reference, _scales(context.reference)
    native = context.native(lambda: reference.without(absent))
    with context.during("save"):
        state = {name: tensor for name, tensor in reference.state.items() if name not in absent}
        folder: Path = context.mend_folder(reference.write(context.folder / "checkpoint", context.variant, state))
    model, info = context.load(AutoModel.from_pretrained, folder)
    loaded = Loaded(model, PREFIX, native, info, left_out=head(reference), absent=absent)
    yield loaded
    yield Computed(lambda: embedding(reference, model), lambda: native.runs, loaded)


def _into_tower(context: CaseContext) -> Scenario:
    reference = context.reference
    absent = _scales(reference)
    holder = replace(tower(reference), native=lambda: reference.without(absent), absent=absent)
    yield from save_and_load(context, holder)


def _scales(reference: ReferenceModel) -> frozenset[str]:
    """The names of the LayerScale parameters; if no module has one, of all parameters called gamma or beta."""
    module = reference.headless.module
    named_so = (name for name, _ in module.named_parameters() if "gamma" in name or "beta" in name)
    return frozenset(layer_scales(module) or named_so)


ROUTE: Final = Partial()
