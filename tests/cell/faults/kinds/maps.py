"""Faults in what backbones and detectors take and give: levels, channels, batches, masks."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from transformers import DetrForObjectDetection, TimmBackbone
from transformers.models.detr.modeling_detr import DetrConvEncoder

from tests.cell.faults.kinds.interface import always, changing, first_repeated, on_pixels
from tests.cell.faults.kinds.replaced import VIT, replacing, returning
from tests.cell.faults.outside import CONVNEXT, Fault, Reached


def on_mask(change: Callable[[Tensor], Tensor]) -> Callable[..., Any]:
    def forward(original: Any, reached: Reached, self: Any, pixel_values: Tensor, pixel_mask: Tensor) -> Any:
        reached.times += not bool(pixel_mask.all())
        return original(self, pixel_values, change(pixel_mask))

    return forward


def channels_reversed(patch: Any, reached: Reached) -> None:
    usual = TimmBackbone.channels

    def channels(self: Any) -> Any:
        reached.times += 1
        return usual.fget(self)[::-1]

    patch.setattr(TimmBackbone, "channels", property(channels))


FAULTS: Mapping[str, Fault] = {
    "a backbone's batch is its first picture repeated": Fault(
        replacing(TimmBackbone, "forward", on_pixels(first_repeated)),
        *("backbone", "outputs", "two pictures: feature_maps.0", VIT),
        scenario="",
    ),
    "a pixel mask ignored": Fault(
        replacing(DetrConvEncoder, "forward", on_mask(torch.ones_like)),
        *("detector", "outputs", "the mask matters", VIT),
        scenario="DETR",
    ),
    "a pixel mask of the first picture for all": Fault(
        replacing(DetrConvEncoder, "forward", on_mask(lambda mask: mask[:1].expand_as(mask))),
        *("detector", "outputs", "the mask matters", VIT),
        scenario="DETR",
    ),
    "a pixel mask turned round": Fault(
        replacing(DetrConvEncoder, "forward", on_mask(lambda mask: mask.flip(1))),
        *("detector", "outputs", "mask", VIT),
        scenario="DETR",
        escapes="the oracle for what a mask hides is the saved model, of the same class",
    ),
    "boxes of two pictures exchanged": Fault(
        returning(
            DetrForObjectDetection,
            "forward",
            changing("pred_boxes", lambda boxes: boxes.flip(0) if len(boxes) > 1 else boxes, always),
        ),
        *("detector", "outputs", "a picture beside a padded one is detected as alone (DETR) is false", VIT),
        scenario="DETR",
    ),
    "channels of a backbone in another order": Fault(
        channels_reversed, "backbone", "outputs", "channels", CONVNEXT, scenario=""
    ),
    "a backbone's levels in another order": Fault(
        returning(TimmBackbone, "forward", changing("feature_maps", lambda maps: maps[::-1], always)),
        *("backbone", "outputs", "feature_maps.0", CONVNEXT),
        scenario="",
    ),
}
