"""`classifier`: a timm checkpoint through AutoModelForImageClassification."""

from pathlib import Path
from typing import Final

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

    def load(self, subject: Subject, saved: Saved) -> list[Loaded]:
        """As it was saved; and for a new task, where the head is made anew and the body must survive."""
        load = AutoModelForImageClassification.from_pretrained
        same, info = load(saved.folder, output_loading_info=True)
        new, new_info = load(
            saved.folder, num_labels=NEW_CLASSES, ignore_mismatched_sizes=True, output_loading_info=True
        )
        place = subject.place.device
        return [
            Loaded(same.to(place).eval(), PREFIX, info),
            Loaded(new.to(place).eval(), PREFIX, new_info, _head(subject), f"loaded with num_labels={NEW_CLASSES}"),
        ]

    def expected(self, subject: Subject, saved: Saved) -> Runs:  # noqa: ARG002
        """Timm's own logits."""
        return subject.classifier.runs

    def outputs(self, subject: Subject, loaded: Loaded) -> Outputs:
        """The logits; a head made anew has none to compare."""
        return {} if loaded.left_out else {"logits": loaded.model(subject.image).logits}


def _head(subject: Subject) -> frozenset[str]:
    """The names of the parameters that the number of classes shapes."""
    return frozenset(
        name
        for name, tensor in subject.classifier.tensors.items()
        if tensor.dim()
        and tensor.shape[0] == CLASSES
        and tensor.shape != subject.headless.tensors.get(name, tensor[:0]).shape
    )
