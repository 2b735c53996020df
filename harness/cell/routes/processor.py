"""`processor`: `AutoImageProcessor` on a picture that is not square, as PIL, bytes and floats; on two.

Compared with native timm: the pixels of timm's own eval transform.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from transformers import AutoImageProcessor

from ...contract.catalog import Entry
from ..models.installed import Release
from ..models.native import Outputs, Runs
from ..scenarios.context import CaseContext
from ..scenarios.protocol import Computed, Scenario
from .pictures import other, picture, transform
from .wrapped import no_wrapper


class Processor:
    """A picture as PIL image, as bytes with colours last and first, and as floats between 0 and 1; two pictures."""

    name = "processor"

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """Releases before TimmWrapper lack its processor."""
        return no_wrapper(release)

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """Each kind of input; timm's transform takes no arrays, so it is given the PIL image for bytes."""
        folder = context.checkpoint
        return {
            "PIL": processed(context, folder, picture, picture),
            "uint8": processed(context, folder, lambda: np.asarray(picture()), picture),
            "float": processed(context, folder, _floats, _floats),
            "channels first": processed(context, folder, lambda: np.asarray(picture()).transpose(2, 0, 1), picture),
            "two pictures": processed(context, folder, lambda: [picture(), other()], picture, other),
            "two in a tensor": processed(
                context, folder, lambda: torch.stack([_floats(), _floats(other)]), _floats, lambda: _floats(other)
            ),
        }


def _floats(given: Callable[[], Any] = picture) -> torch.Tensor:
    """A picture as a tensor of shape (channels, height, width)."""
    return torch.from_numpy(np.array(given())).permute(2, 0, 1).float() / 255


def processed(
    context: CaseContext,
    checkpoint: Callable[[], Path],
    for_transformers: Callable[[], Any],
    *for_timm: Callable[[], Any],
) -> Scenario:
    """Compare what the image processor of a folder makes of an input with what timm makes of its pictures."""
    folder = checkpoint()
    with context.during("load"):
        processor = AutoImageProcessor.from_pretrained(folder)

    def expected() -> Outputs:
        each = [transform(context.reference)(given()) for given in for_timm]
        return {"pixel_values": torch.stack(each)}

    yield Computed(lambda: {"pixel_values": processor(for_transformers())["pixel_values"]}, lambda: Runs.of(expected))


ROUTE: Final = Processor()
