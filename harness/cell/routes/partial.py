"""`partial`: a checkpoint that lacks the LayerScale parameters, as one from before the model had them.

It passes where they become what timm's own constructor gives them, and everything else is as saved.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from transformers import AutoModel

from ...contract.catalog import Entry
from ..models.installed import Release
from ..models.layer_scales import layer_scales
from ..models.reference import Subject
from ..scenarios.context import Trip
from ..scenarios.holder import saved_and_loaded
from ..scenarios.protocol import Computed, Leg, Loaded
from .tower import tower
from .wrapper import PREFIX, embedding, head, no_wrapper


class Partial:
    """Such a checkpoint into AutoModel, and into a model of one's own that holds a bare timm model."""

    name = "partial"

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """Only where there is a LayerScale to leave out."""
        return None if entry.layer_scale else f"{entry.model} has no LayerScale that a checkpoint could lack"

    def legs(self, trip: Trip) -> Mapping[str, Leg]:
        """The wrapper where this release has one, and the tower."""
        into_wrapper = {} if no_wrapper(trip.release) else {"wrapper": _into_wrapper(trip)}
        return {**into_wrapper, "tower": _into_tower(trip)}


def _into_wrapper(trip: Trip) -> Leg:
    subject, absent = trip.subject, _scales(trip.subject)
    native = trip.native(lambda: subject.without(absent))
    with trip.during("save"):
        kept = {name: tensor for name, tensor in subject.state.items() if name not in absent}
        folder: Path = subject.write(trip.folder / "checkpoint", trip.variant, kept)
    model, info = trip.load(AutoModel.from_pretrained, folder)
    loaded = Loaded(model, PREFIX, native, info, left_out=head(subject), absent=absent)
    yield loaded
    yield Computed(lambda: embedding(subject, model), lambda: native.runs, loaded)


def _into_tower(trip: Trip) -> Leg:
    subject = trip.subject
    absent = _scales(subject)
    holder = replace(tower(subject), native=lambda: subject.without(absent), absent=absent)
    yield from saved_and_loaded(trip, holder)


def _scales(subject: Subject) -> frozenset[str]:
    """The names of the LayerScale parameters; where no module's code tells one, of those called gamma or beta."""
    module = subject.headless.module
    called = (name for name, _ in module.named_parameters() if "gamma" in name or "beta" in name)
    return frozenset(layer_scales(module) or called)
