"""`processor`: AutoImageProcessor against timm's own eval transform."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from transformers import AutoImageProcessor

from ...contract.catalog import Entry
from ..models.installed import Release
from ..models.reference import Outputs, Runs
from ..scenarios.context import Trip
from ..scenarios.protocol import Computed, Leg
from .pictures import picture, transform
from .wrapper import no_wrapper


class Processor:
    """One picture as PIL, as bytes, and as a tensor of floats between 0 and 1."""

    name = "processor"

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """Not before TimmWrapper, whose processor it is."""
        return no_wrapper(release)

    def legs(self, trip: Trip) -> Mapping[str, Leg]:
        """What a user may pass, and the same as timm's transform takes it: timm knows no arrays."""
        return {
            "PIL": _processed(trip, picture, picture),
            "uint8": _processed(trip, lambda: np.asarray(picture()), picture),
            "float": _processed(trip, _floats, _floats),
        }


def _floats() -> torch.Tensor:
    """Shape (channels, height, width)."""
    return torch.from_numpy(np.array(picture())).permute(2, 0, 1).float() / 255


def _processed(trip: Trip, given: Callable[[], Any], to_timm: Callable[[], Any]) -> Leg:
    folder = trip.checkpoint()
    with trip.during("load"):
        processor = AutoImageProcessor.from_pretrained(folder)

    def expected() -> Outputs:
        return {"pixel_values": transform(trip.subject)(to_timm())[None]}

    yield Computed(lambda: {"pixel_values": processor(given())["pixel_values"]}, lambda: Runs.of(expected))
