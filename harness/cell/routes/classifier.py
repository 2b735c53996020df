"""`classifier`: a timm checkpoint through `AutoModelForImageClassification`.

Once more with a new number of labels, where the head is made anew and the body must survive.

Compared with native timm: logits.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional
from transformers import AutoModelForImageClassification

from ...contract.catalog import Entry
from ..models.installed import Release
from ..models.native import Outputs, Runs
from ..models.reference import ReferenceModel
from ..scenarios.context import CaseContext
from ..scenarios.protocol import Computed, Described, Fresh, Loaded, Reported, Scenario
from . import arguments, training
from .wrapped import PREFIX, no_wrapper

MORE_LABELS: Final = 3


def no_classifier(release: Release, entry: Entry) -> str | None:
    """The reason why this release or this model has no image classifier; None if it has."""
    if not entry.classifier:
        return f"{entry.model} is an encoder: timm gives it no classification head"
    return no_wrapper(release)


class Classifier:
    """AutoModelForImageClassification.from_pretrained: logits; then the body, with another number of labels."""

    name = "classifier"

    def unsupported(self, release: Release, entry: Entry) -> str | None:
        """Releases before TimmWrapper, and encoders without a head, lack the route."""
        return no_classifier(release, entry)

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """With the saved head; and with a new head for another task, where the body must stay the same."""
        labels = context.reference.classes + MORE_LABELS
        scenarios = {"": classified(context, context.checkpoint), f"{labels} labels": _with_new_labels(context, labels)}
        if context.tries_all:
            scenarios |= {"arguments": arguments.of_classifier(context), training.NAME: _trained(context)}
        return scenarios


def classified(context: CaseContext, checkpoint: Callable[[], Path]) -> Scenario:
    """Load what `checkpoint` writes with AutoModelForImageClassification."""
    native = context.native(lambda: context.reference.classifier)
    model, info = context.load(AutoModelForImageClassification.from_pretrained, checkpoint())
    loaded = Loaded(model, PREFIX, native, info)
    yield loaded
    yield Computed(lambda: {"logits": model(context.reference.pixels).logits}, lambda: native.runs, loaded)


def _with_new_labels(context: CaseContext, labels: int) -> Scenario:
    reference = context.reference
    native = context.native(
        lambda: reference.create(lambda module: {"logits": module(reference.image)}, num_classes=labels)
    )
    arguments = {"num_labels": labels, "ignore_mismatched_sizes": True}
    model, info = context.load(AutoModelForImageClassification.from_pretrained, context.checkpoint(), **arguments)
    if not any(tensor.shape[:1] == (labels,) for tensor in model.parameters()):
        raise ValueError(f"loaded with num_labels={labels}, and no parameter has that many rows")
    new = _shaped_by_classes(reference)
    loaded = Loaded(model, PREFIX, native, info, left_out=new)
    yield loaded
    yield Fresh(loaded.timm_module, new)
    # With the model's prefix or, in older releases, without it.
    yield Reported(info, frozenset(), frozenset(), warned=new, mismatched=new)
    names = {f"LABEL_{index}": index for index in range(labels)}
    yield Described("the loaded configuration", model.config, {"num_labels": labels, "label2id": names})
    yield Computed(
        lambda: _shape_of(model(reference.pixels).logits), lambda: Runs.of(lambda: _shape_of(native.run()["logits"]))
    )


def _shape_of(logits: Tensor) -> Outputs:
    """Whether the logits of a new head are finite, and their shape: its weights are its own."""
    return {"logits are finite": logits.isfinite().all(), "shape of logits": torch.tensor(logits.shape)}


def _trained(context: CaseContext) -> Scenario:
    """A step of training of the model with its head."""
    reference = context.reference
    labels = arguments.labels(reference)

    def outputs(model: Any, pixels: Tensor) -> Outputs:
        output = model(pixels, labels=labels)
        return {"loss": output.loss, "logits": output.logits}

    def native_outputs(module: Any, pixels: Tensor) -> Outputs:
        logits = module(pixels)
        return {"loss": functional.cross_entropy(logits, labels), "logits": logits}

    load = AutoModelForImageClassification.from_pretrained
    yield from training.of_wrapper(context, load, PREFIX, outputs, native_outputs, num_classes=reference.classes)


def _shaped_by_classes(reference: ReferenceModel) -> frozenset[str]:
    """The names of the parameters whose shape depends on the number of classes."""
    return frozenset(
        name
        for name, tensor in reference.classifier.tensors.items()
        if tensor.dim()
        and tensor.shape[0] == reference.classes
        and tensor.shape != reference.headless.tensors.get(name, tensor[:0]).shape
    )


ROUTE: Final = Classifier()
