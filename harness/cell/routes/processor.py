"""`processor`: `AutoImageProcessor` on a picture that is not square, as PIL, bytes and floats.

Compared with native timm: the pixels of timm's own eval transform.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import torch
from transformers import AutoImageProcessor

from ...contract.catalog import Entry
from ..models.installed import Release
from ..models.native import Outputs, Runs
from ..scenarios.context import CaseContext
from ..scenarios.protocol import Computed, Scenario
from .pictures import picture, transform
from .wrapper import no_wrapper


class Processor:
    """One picture as PIL, as bytes, and as a tensor of floats between 0 and 1."""

    name = "processor"

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """Not before TimmWrapper, whose processor it is."""
        return no_wrapper(release)

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """What a user may pass, and the same as timm's transform takes it: timm knows no arrays."""
        return {
            "PIL": _processed(context, picture, picture),
            "uint8": _processed(context, lambda: np.asarray(picture()), picture),
            "float": _processed(context, _floats, _floats),
        }


def _floats() -> torch.Tensor:
    """Shape (channels, height, width)."""
    return torch.from_numpy(np.array(picture())).permute(2, 0, 1).float() / 255


def _processed(context: CaseContext, given: Callable[[], Any], to_timm: Callable[[], Any]) -> Scenario:
    folder = context.checkpoint()
    with context.during("load"):
        processor = AutoImageProcessor.from_pretrained(folder)

    def expected() -> Outputs:
        return {"pixel_values": transform(context.reference)(to_timm())[None]}

    yield Computed(lambda: {"pixel_values": processor(given())["pixel_values"]}, lambda: Runs.of(expected))


ROUTE: Final = Processor()
