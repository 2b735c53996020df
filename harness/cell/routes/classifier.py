"""`classifier`: a timm checkpoint through AutoModelForImageClassification."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from transformers import AutoModelForImageClassification

from harness.catalog import Entry
from harness.cell.routes.road import Loaded, Release, Saved
from harness.cell.routes.wrapper import PREFIX, no_wrapper
from harness.cell.subject import CLASSES, Native, Outputs, Runs, Subject

NEW_CLASSES: Final = CLASSES + 3


class Classifier:
    """AutoModelForImageClassification.from_pretrained: logits, and once more with another number of labels."""

    name = "classifier"

    def unsupported(self, release: Release, entry: Entry) -> str | None:
        """Not before TimmWrapper, and not for an encoder that can have no head."""
        if not entry.classifier:
            return f"{entry.model} is an encoder: timm gives it no classification head"
        return no_wrapper(release)

    def native(self, subject: Subject) -> Native:
        """The model with its head."""
        return subject.classifier

    def save(self, subject: Subject, folder: Path) -> Saved:
        """The checkpoint as the hub holds it."""
        return Saved(subject.save(folder.parent / "timm"))

    def load(self, subject: Subject, saved: Saved) -> Iterator[Loaded]:
        """As it was saved; and for a new task, where the head is made anew and the body must survive."""
        yield _loaded(subject, saved)
        anew = {"num_labels": NEW_CLASSES, "ignore_mismatched_sizes": True}
        new = _loaded(subject, saved, **anew)
        head = _head(subject)
        if not any(tensor.shape[:1] == (NEW_CLASSES,) for tensor in new.model.parameters()):
            raise ValueError(f"loaded with num_labels={NEW_CLASSES}, and no parameter has that many rows")
        yield replace(new, left_out=head, how=f"loaded with {NEW_CLASSES} labels", compares=False)

    def expected(self, subject: Subject, saved: Saved) -> Runs:  # noqa: ARG002
        """Timm's own logits."""
        return subject.classifier.runs

    def outputs(self, subject: Subject, loaded: Loaded) -> Outputs:
        """The logits."""
        return {"logits": loaded.model(subject.image).logits}


def _loaded(subject: Subject, saved: Saved, **arguments: Any) -> Loaded:
    load = AutoModelForImageClassification.from_pretrained
    model, info = load(saved.folder, output_loading_info=True, **arguments)
    return Loaded(subject.place.put(model), PREFIX, info)


def _head(subject: Subject) -> frozenset[str]:
    """The names of the parameters that the number of classes shapes."""
    return frozenset(
        name
        for name, tensor in subject.classifier.tensors.items()
        if tensor.dim()
        and tensor.shape[0] == CLASSES
        and tensor.shape != subject.headless.tensors.get(name, tensor[:0]).shape
    )
