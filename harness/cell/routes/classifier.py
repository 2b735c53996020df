"""`classifier`: a timm checkpoint through AutoModelForImageClassification."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from transformers import AutoModelForImageClassification

from ...contract.catalog import Entry
from ..models.installed import Release
from ..models.reference import Subject
from ..scenarios.context import Trip
from ..scenarios.protocol import Computed, Leg, Loaded
from .wrapper import PREFIX, no_wrapper

MORE: Final = 3


def no_classifier(release: Release, entry: Entry) -> str | None:
    """Why this release or this model has no image classifier; None where it has."""
    if not entry.classifier:
        return f"{entry.model} is an encoder: timm gives it no classification head"
    return no_wrapper(release)


class Classifier:
    """AutoModelForImageClassification.from_pretrained: logits, and once more with another number of labels."""

    name = "classifier"

    def unsupported(self, release: Release, entry: Entry) -> str | None:
        """Not before TimmWrapper, and not for an encoder that can have no head."""
        return no_classifier(release, entry)

    def legs(self, trip: Trip) -> Mapping[str, Leg]:
        """As it was saved; and for a new task, where the head is made anew and the body must survive."""
        labels = trip.subject.classes + MORE
        return {"": classified(trip, trip.checkpoint), f"{labels} labels": _with_new_labels(trip, labels)}


def classified(trip: Trip, checkpoint: Callable[[], Path]) -> Leg:
    """A checkpoint, made on the way, through AutoModelForImageClassification."""
    native = trip.native(lambda: trip.subject.classifier)
    model, info = trip.load(AutoModelForImageClassification.from_pretrained, checkpoint())
    loaded = Loaded(model, PREFIX, native, info)
    yield loaded
    yield Computed(lambda: {"logits": model(trip.subject.pixels).logits}, lambda: native.runs, loaded)


def _with_new_labels(trip: Trip, labels: int) -> Leg:
    native = trip.native(lambda: trip.subject.classifier)
    asked = {"num_labels": labels, "ignore_mismatched_sizes": True}
    model, info = trip.load(AutoModelForImageClassification.from_pretrained, trip.checkpoint(), **asked)
    if not any(tensor.shape[:1] == (labels,) for tensor in model.parameters()):
        raise ValueError(f"loaded with num_labels={labels}, and no parameter has that many rows")
    yield Loaded(model, PREFIX, native, info, left_out=_shaped_by_classes(trip.subject))


def _shaped_by_classes(subject: Subject) -> frozenset[str]:
    """The names of the parameters that the number of classes shapes."""
    return frozenset(
        name
        for name, tensor in subject.classifier.tensors.items()
        if tensor.dim()
        and tensor.shape[0] == subject.classes
        and tensor.shape != subject.headless.tensors.get(name, tensor[:0]).shape
    )
