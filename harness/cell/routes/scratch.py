"""`scratch`: a wrapper built from a configuration, saved; loaded by transformers and by timm."""

from collections.abc import Mapping
from typing import Any

from ...contract.catalog import Entry
from ..models import weights
from ..models.installed import Release
from ..models.reference import Subject
from ..scenarios.context import Trip
from ..scenarios.protocol import Leg
from .roundtrip import auto_class, loaded_by_both, whole
from .wrapper import PREFIX, no_wrapper


class Scratch:
    """The model that a configuration describes, as somebody saves it who trained it with transformers."""

    name = "scratch"

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """Not before TimmWrapperModel."""
        return no_wrapper(release)

    def legs(self, trip: Trip) -> Mapping[str, Leg]:
        """One: with its head where it has one."""
        return {"": _built_and_saved(trip)}


def _built_and_saved(trip: Trip) -> Leg:
    native = trip.native(lambda: whole(trip.subject))
    with trip.during("save"):
        with weights.uninitialised():
            model = from_config(trip.subject)
        weights.fill(model, {f"{PREFIX}.{name}": tensor for name, tensor in native.state.items()})
    folder = trip.save(model, trip.folder / "saved")
    yield from loaded_by_both(trip, folder, native)


def from_config(subject: Subject) -> Any:
    """The wrapper with its head where it has one, as transformers makes it of a configuration."""
    from transformers import TimmWrapperConfig  # noqa: PLC0415  not before 4.48

    labels = {"num_labels": subject.classes} if subject.entry.classifier else {}
    config = TimmWrapperConfig(architecture=subject.architecture, **labels)
    return auto_class(subject).from_config(config).eval()
