"""Faults in what a processor and a pipeline make of pictures, and in the names of classes."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from PIL import Image
from timm.data import ImageNetInfo
from transformers import TimmWrapperConfig, TimmWrapperImageProcessor
from transformers.pipelines import image_classification

from tests.cell.faults.kinds.replaced import VIT, replacing, returning
from tests.cell.faults.outside import Fault, Put, Reached, processing


def preparing(change: Callable[[Any], Any]) -> Put:
    """`preprocess` is given other pictures, and counts if they are others."""

    def preprocess(original: Any, reached: Reached, self: Any, images: Any, *args: Any, **kwargs: Any) -> Any:
        changed = change(images)
        reached.times += changed is not images
        return original(self, changed, *args, **kwargs)

    return replacing(TimmWrapperImageProcessor, "preprocess", preprocess)


def first_repeated(images: Any) -> Any:
    return images if not isinstance(images, list) else [images[0]] * len(images)


def first_of_tensor(images: Any) -> Any:
    several = isinstance(images, torch.Tensor) and images.dim() == 4 and len(images) > 1
    return images[:1].expand_as(images) if several else images


def reversed_order(images: Any) -> Any:
    return images[::-1] if isinstance(images, list) and len(images) > 1 else images


def not_turned(images: Any) -> Any:
    """Channels that come first are taken for rows."""
    first = isinstance(images, np.ndarray) and images.shape[0] == 3
    return images.reshape(*images.shape[1:], 3) if first else images


def blue_first(images: Any) -> Any:
    return images[..., ::-1].copy() if isinstance(images, np.ndarray) and images.shape[-1] == 3 else images


def sorted_names(result: Any, *_args: Any, **_kwargs: Any) -> Any:
    """The names of ImageNet's classes in the order of the alphabet."""
    config = result[0] if isinstance(result, tuple) else result
    config.id2label = dict(enumerate(sorted(config.id2label.values())))
    return (config, *result[1:]) if isinstance(result, tuple) else _again(config)


def _again(config: Any) -> Any:
    return copy.copy(config)


def by_synset(described: Any, *_args: Any, **_kwargs: Any) -> Any:
    return {name: name for name in described}


def no_reverse(result: Any, *_args: Any, **_kwargs: Any) -> Any:
    config = result[0] if isinstance(result, tuple) else result
    config.label2id = dict.fromkeys(config.label2id or {}, 0)
    return (config, *result[1:]) if isinstance(result, tuple) else _again(config)


def crop(processor: Any) -> bool:
    """A picture is cut to a smaller part."""
    steps = [step for step in processor.val_transforms.transforms if type(step).__name__ == "Resize"]
    for step in steps:
        step.size = [2 * size for size in step.size] if isinstance(step.size, list | tuple) else 2 * step.size
    return bool(steps)


def training_transforms(processor: Any) -> bool:
    processor.val_transforms = processor.train_transforms
    return True


def blue_pictures(picture: Any, *_args: Any, **_kwargs: Any) -> Any:
    return Image.merge("RGB", picture.split()[::-1])


def from_path(loaded: Any, image: Any, *_args: Any, **_kwargs: Any) -> Any:
    return blue_pictures(loaded) if isinstance(image, str) else loaded


def one_for_all(original: Any, reached: Reached, self: Any, inputs: Any, **kwargs: Any) -> Any:
    reached.times += isinstance(inputs, list)
    return original(self, [inputs[0]] * len(inputs) if isinstance(inputs, list) else inputs, **kwargs)


PIXELS = "pixel_values ({}) is off by"
FAULTS: Mapping[str, Fault] = {
    "a batch of pictures is its first repeated": Fault(
        preparing(first_repeated), "processor", "outputs", PIXELS.format("two pictures"), VIT, scenario="two pictures"
    ),
    "a batch in another order": Fault(
        preparing(reversed_order), "processor", "outputs", PIXELS.format("two pictures"), VIT, scenario="two pictures"
    ),
    "a batch in one tensor is its first repeated": Fault(
        preparing(first_of_tensor),
        "processor",
        "outputs",
        PIXELS.format("two in a tensor"),
        VIT,
        scenario="two in a tensor",
    ),
    "channels first not turned": Fault(
        preparing(not_turned), "processor", "outputs", PIXELS.format("channels first"), VIT, scenario="channels first"
    ),
    "colours of an array in another order": Fault(
        preparing(blue_first), "processor", "outputs", PIXELS.format("uint8"), VIT, scenario="uint8"
    ),
    "training's transforms": Fault(
        processing(training_transforms), "processor", "outputs", PIXELS.format("PIL"), VIT, scenario="PIL"
    ),
    "a smaller part of a picture": Fault(
        processing(crop), "processor", "outputs", PIXELS.format("PIL"), VIT, scenario="PIL"
    ),
    "a pipeline's batch is its first repeated": Fault(
        replacing(image_classification.ImageClassificationPipeline, "__call__", one_for_all),
        "pipeline",
        "outputs",
        "best of two pictures",
        VIT,
        scenario="",
    ),
    "a pipeline reads a path otherwise": Fault(
        returning(image_classification, "load_image", from_path), "pipeline", "outputs", "by its path", VIT, scenario=""
    ),
    "a pipeline's pictures with other colours": Fault(
        returning(image_classification, "load_image", blue_pictures), "pipeline", "outputs", "scores", VIT, scenario=""
    ),
    "ImageNet's names sorted": Fault(
        returning(TimmWrapperConfig, "from_dict", sorted_names),
        *("pipeline", "flags", "the loaded configuration (ImageNet): id2label.0 is", VIT),
        scenario="ImageNet",
    ),
    "ImageNet's names as synsets": Fault(
        returning(ImageNetInfo, "label_descriptions", by_synset),
        *("pipeline", "flags", "the loaded configuration (ImageNet): id2label.0 is", VIT),
        scenario="ImageNet",
    ),
    "no way from a name to its class": Fault(
        returning(TimmWrapperConfig, "from_dict", no_reverse),
        *("classifier", "flags", "the loaded configuration (arguments): label2id.kind 3 is 0, not 1", VIT),
        scenario="arguments",
    ),
}
