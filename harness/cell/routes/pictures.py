"""A picture, and what timm makes of it: what `processor` and `pipeline` are held against."""

import functools
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import timm.data
from PIL import Image
from torch import Tensor

from ..models.reference import ReferenceModel

SIZE: Final = (195, 303)  # height and width: not square, and no multiple of any patch
WAVES: Final = (
    (3.1, 1.7),
    (9.3, 5.9),
    (31.0, 47.0),
)  # periods a picture, coarse to fine: resizing changes these


@functools.cache
def picture() -> Image.Image:
    """A picture of waves of three lengths and an edge, mixed otherwise in each colour."""
    rows, columns = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    down, across = rows / SIZE[0], columns / SIZE[1]
    waves = [np.sin(2 * np.pi * (high * down + wide * across)) for high, wide in WAVES]
    edge = np.where(across > down, 0.5, -0.5)
    colours = [
        sum(waves[(colour + index) % len(waves)] / (index + 1) for index in range(len(waves))) + edge
        for colour in range(3)
    ]
    scaled = [(colour - colour.min()) / (colour.max() - colour.min()) for colour in colours]
    return Image.fromarray((np.stack(scaled, axis=-1) * 255).astype(np.uint8))


def other() -> Image.Image:
    """Another picture of the same size."""
    return picture().transpose(Image.Transpose.ROTATE_180)


def transform(reference: ReferenceModel) -> Callable[[Any], Tensor]:
    """Timm's own eval transform for the checkpoint's configuration."""
    data = timm.data.resolve_data_config(pretrained_cfg=reference.config()["pretrained_cfg"])
    timm_transform: Callable[[Any], Tensor] = timm.data.create_transform(**data, is_training=False)
    return timm_transform
