"""`hub`: a checkpoint as the pair's own timm writes it for the hub, into AutoModel and the image classifier."""

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path

from timm.models._hub import save_for_hf  # what push_to_hf_hub writes; timm exports it nowhere else

from ...contract.catalog import Entry
from ..models.installed import Release
from ..scenarios.context import Trip
from ..scenarios.protocol import Leg
from .classifier import classified
from .wrapper import embedded, no_wrapper

FORMATS: Mapping[str, bool] = {"safetensors": True, "bin": False}


class Hub:
    """What timm writes, nothing removed or mended, in both of its formats."""

    name = "hub"

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """Not before TimmWrapperModel."""
        return no_wrapper(release)

    def legs(self, trip: Trip) -> Mapping[str, Leg]:
        """Each format into each class."""
        return dict(_legs(trip))


def _legs(trip: Trip) -> Iterator[tuple[str, Leg]]:
    for name, safe in FORMATS.items():
        written = functools.partial(_write, trip, name, safe=safe)
        yield f"AutoModel, {name}", embedded(trip, written)
        if trip.subject.entry.classifier:
            yield f"AutoModelForImageClassification, {name}", classified(trip, written)


def _write(trip: Trip, name: str, *, safe: bool) -> Path:
    folder = trip.folder / name
    if not folder.exists():
        trip.write(folder, lambda: save_for_hf(trip.subject.filled, folder, safe_serialization=safe))
    return folder
