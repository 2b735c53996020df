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
from .wrapped import no_wrapper


class Processor:
    """A picture as PIL image, as bytes, and as a tensor of floats between 0 and 1."""

    name = "processor"

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """Releases before TimmWrapper lack its processor."""
        return no_wrapper(release)

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """Each kind of input; timm's transform takes no arrays, so it is given the PIL image for bytes."""
        return {
            "PIL": _processed(context, picture, picture),
            "uint8": _processed(context, lambda: np.asarray(picture()), picture),
            "float": _processed(context, _floats, _floats),
        }


def _floats() -> torch.Tensor:
    """The picture as a tensor of shape (channels, height, width)."""
    return torch.from_numpy(np.array(picture())).permute(2, 0, 1).float() / 255


def _processed(
    context: CaseContext, picture_for_transformers: Callable[[], Any], picture_for_timm: Callable[[], Any]
) -> Scenario:
    folder = context.checkpoint()
    with context.during("load"):
        processor = AutoImageProcessor.from_pretrained(folder)

    def expected() -> Outputs:
        return {"pixel_values": transform(context.reference)(picture_for_timm())[None]}

    yield Computed(
        lambda: {"pixel_values": processor(picture_for_transformers())["pixel_values"]}, lambda: Runs.of(expected)
    )


ROUTE: Final = Processor()
