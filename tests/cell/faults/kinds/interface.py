"""Faults in what a model takes besides one picture, and gives besides one output."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from transformers import (
    DetrForObjectDetection,
    TimmBackbone,
    TimmWrapperConfig,
    TimmWrapperForImageClassification,
    TimmWrapperModel,
)
from transformers.models.detr.modeling_detr import DetrConvEncoder

from tests.cell.faults.kinds.replaced import VIT, replacing, returning
from tests.cell.faults.outside import CONVNEXT, Fault, Put, Reached

CLASSIFIER = TimmWrapperForImageClassification


def swapped(original: Any, reached: Reached, self: Any, *args: Any, **kwargs: Any) -> Any:
    """A wrapper whose loss is called with logits and labels in each other's place."""
    usual = self.loss_function
    self.loss_function = lambda labels, logits, config: usual(logits, labels, config)
    try:
        reached.times += kwargs.get("labels") is not None
        return original(self, *args, **kwargs)
    finally:
        self.loss_function = usual


def changing(name: str, change: Callable[[Any], Any], asked: Callable[[Mapping[str, Any]], bool]) -> Callable[..., Any]:
    """Change an output of a call whose keyword arguments are asked for."""

    def to(output: Any, *_args: Any, **kwargs: Any) -> Any:
        if not asked(kwargs) or not hasattr(output, "get") or output.get(name) is None:
            return output
        return type(output)(**{**output, name: change(output[name])})

    return to


def with_labels(kwargs: Mapping[str, Any]) -> bool:
    return kwargs.get("labels") is not None


def with_states(kwargs: Mapping[str, Any]) -> bool:
    return bool(kwargs.get("output_hidden_states"))


def with_some_states(kwargs: Mapping[str, Any]) -> bool:
    return isinstance(kwargs.get("output_hidden_states"), list)


def always(_kwargs: Mapping[str, Any]) -> bool:
    return True


def reordered(output: Any, *_args: Any, **_kwargs: Any) -> Any:
    """A tuple of outputs in another order."""
    return output[::-1] if isinstance(output, tuple) and len(output) > 1 else output


def without_config(original: Any, reached: Reached, self: Any, *args: Any, **kwargs: Any) -> Any:
    """The configuration's `do_pooling` is ignored."""
    asked = kwargs.pop("do_pooling", None)
    reached.times += asked is None and not self.config.do_pooling
    return original(self, *args, do_pooling=True if asked is None else asked, **kwargs)


def without_argument(original: Any, reached: Reached, self: Any, *args: Any, **kwargs: Any) -> Any:
    """The argument `do_pooling` is ignored."""
    asked = kwargs.pop("do_pooling", None)
    reached.times += asked is not None and asked != self.config.do_pooling
    return original(self, *args, **kwargs)


def on_pixels(change: Callable[[Tensor], Tensor]) -> Callable[..., Any]:
    """The pixels of a forward pass are changed first."""

    def forward(original: Any, reached: Reached, self: Any, pixel_values: Tensor, *args: Any, **kwargs: Any) -> Any:
        changed = change(pixel_values)
        reached.times += changed is not pixel_values
        return original(self, changed, *args, **kwargs)

    return forward


def first_repeated(pixels: Tensor) -> Tensor:
    return pixels if len(pixels) == 1 else pixels[:1].expand_as(pixels)


def transposed(pixels: Tensor) -> Tensor:
    return pixels if pixels.shape[-1] == pixels.shape[-2] else pixels.transpose(-1, -2)


def squared(pixels: Tensor) -> Tensor:
    """A picture that is not square is cut to a square."""
    size = min(pixels.shape[-2:])
    return pixels if pixels.shape[-1] == pixels.shape[-2] else pixels[..., :size, :size]


def sticky(kind: Any) -> Put:
    """Once hidden states were asked for, an output of later calls comes from another path."""

    def forward(original: Any, reached: Reached, self: Any, *args: Any, **kwargs: Any) -> Any:
        output = original(self, *args, **kwargs)
        if with_states(kwargs) or with_labels(kwargs):
            self.asked_before = True
        elif self.__dict__.get("asked_before"):
            reached.times += 1
            output["logits"] = output["logits"] + 1
        return output

    return replacing(kind, "forward", forward)


def on_mask(change: Callable[[Tensor], Tensor]) -> Callable[..., Any]:
    def forward(original: Any, reached: Reached, self: Any, pixel_values: Tensor, pixel_mask: Tensor) -> Any:
        reached.times += not bool(pixel_mask.all())
        return original(self, pixel_values, change(pixel_mask))

    return forward


def first_channels(original: Any, reached: Reached, self: Any) -> Any:
    channels = original(self)
    reached.times += 1
    return list(reversed(channels))


def channels_reversed(patch: Any, reached: Reached) -> None:
    usual = TimmBackbone.channels

    def channels(self: Any) -> Any:
        reached.times += 1
        return usual.fget(self)[::-1]

    patch.setattr(TimmBackbone, "channels", property(channels))


def only_last_level(original: Any, reached: Reached, self: Any, *args: Any, **kwargs: Any) -> None:
    """A configuration's `out_indices` are ignored: the last level alone is a feature map."""
    original(self, *args, **kwargs)
    if kwargs.get("out_indices") is not None and len(kwargs["out_indices"]) == 1:
        reached.times += 1
        self._out_indices = [-1]


def labels_of_config(original: Any, reached: Reached, *args: Any, **kwargs: Any) -> Any:
    """Another number of labels is not written into the configuration of the model that has them."""
    result = original(*args, **kwargs)
    if kwargs.get("num_labels"):
        config = result[0] if isinstance(result, tuple) else result
        config.label2id = {}
        reached.times += 1
    return result


STATES, LABELS = "with hidden states", "with labels"
FAULTS: Mapping[str, Fault] = {
    "labels and logits swapped in the loss": Fault(
        replacing(CLASSIFIER, "forward", swapped), "classifier", "error", "Target size", VIT, scenario="arguments"
    ),
    "a loss summed over pictures": Fault(
        returning(CLASSIFIER, "forward", changing("loss", lambda loss: 2 * loss, with_labels)),
        *("classifier", "outputs", f"{LABELS}: loss (arguments) is off", VIT),
        scenario="arguments",
    ),
    "logits halved beside a loss": Fault(
        returning(CLASSIFIER, "forward", changing("logits", lambda logits: logits / 2, with_labels)),
        *("classifier", "outputs", f"{LABELS}: logits (arguments) is off", VIT),
        scenario="arguments",
    ),
    "loss and logits in another order in a tuple": Fault(
        returning(CLASSIFIER, "forward", reordered), "classifier", "outputs", "as a tuple", VIT, scenario="arguments"
    ),
    "outputs in another order in a tuple": Fault(
        returning(TimmWrapperModel, "forward", reordered), "wrapper", "outputs", "as a tuple", VIT, scenario="arguments"
    ),
    "logits wrong beside hidden states": Fault(
        returning(CLASSIFIER, "forward", changing("logits", lambda logits: logits.flip(-1), with_states)),
        *("classifier", "outputs", f"{STATES}: logits (arguments) is off", VIT),
        scenario="arguments",
    ),
    "hidden states reversed": Fault(
        returning(TimmWrapperModel, "forward", changing("hidden_states", lambda states: states[::-1], with_states)),
        *("wrapper-features", "outputs", "hidden_states.0 (all hidden states)", CONVNEXT),
        scenario="all hidden states",
    ),
    "hidden states of a classifier reversed": Fault(
        returning(CLASSIFIER, "forward", changing("hidden_states", lambda states: states[::-1], with_states)),
        *("classifier", "outputs", f"{STATES}: hidden_states.0 (arguments)", CONVNEXT),
        scenario="arguments",
    ),
    "the first hidden state dropped": Fault(
        returning(TimmWrapperModel, "forward", changing("hidden_states", lambda states: states[1:], with_states)),
        *("wrapper-features", "outputs", "hidden_states.", CONVNEXT),
        scenario="all hidden states",
    ),
    "a choice of hidden states ignored": Fault(
        returning(
            TimmWrapperModel, "forward", changing("hidden_states", lambda states: (*states, *states), with_some_states)
        ),
        *("wrapper-features", "outputs", "hidden_states.", CONVNEXT),
        scenario="first and last",
    ),
    "the last state not normed beside hidden states": Fault(
        returning(TimmWrapperModel, "forward", changing("last_hidden_state", lambda last: 2 * last, with_states)),
        *("wrapper-features", "outputs", "last_hidden_state (all hidden states)", VIT),
        scenario="all hidden states",
    ),
    "pooling wrong beside hidden states": Fault(
        returning(TimmWrapperModel, "forward", changing("pooler_output", lambda pooled: 2 * pooled, with_states)),
        *("wrapper", "outputs", f"{STATES}: pooler_output", VIT),
        scenario="arguments",
    ),
    "a configuration's do_pooling ignored": Fault(
        replacing(TimmWrapperModel, "forward", without_config),
        *("wrapper", "outputs", "without pooling: is pooled", VIT),
        scenario="arguments",
    ),
    "the argument do_pooling ignored": Fault(
        replacing(TimmWrapperModel, "forward", without_argument),
        *("wrapper", "outputs", "as a tuple: pooler_output (arguments) is not there", VIT),
        scenario="arguments",
    ),
    "a batch is its first picture repeated": Fault(
        replacing(TimmWrapperModel, "forward", on_pixels(first_repeated)),
        *("wrapper", "outputs", "two pictures: last_hidden_state", VIT),
        scenario="arguments",
    ),
    "a backbone's batch is its first picture repeated": Fault(
        replacing(TimmBackbone, "forward", on_pixels(first_repeated)),
        *("backbone", "outputs", "two pictures: feature_maps.0", VIT),
        scenario="",
    ),
    "an oblong picture transposed": Fault(
        replacing(TimmWrapperModel, "forward", on_pixels(transposed)),
        *("wrapper", "outputs", "oblong: last_hidden_state"),
        scenario="arguments",
    ),
    "an oblong picture cut to a square": Fault(
        replacing(CLASSIFIER, "forward", on_pixels(squared)),
        *("classifier", "outputs", "oblong: logits"),
        scenario="arguments",
    ),
    "another output after a call for more": Fault(
        sticky(CLASSIFIER), "classifier", "outputs", "again: logits", VIT, scenario="arguments"
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
    "a configuration does not know its new labels": Fault(
        replacing(TimmWrapperConfig, "from_dict", labels_of_config),
        *("classifier", "flags", "label2id is {}", VIT),
        scenario="13 labels",
    ),
}
