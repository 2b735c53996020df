"""`roundtrip`: transformers saves what it loaded; timm loads that, and transformers loads it again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import timm
from packaging.version import Version
from transformers import AutoModel, AutoModelForImageClassification

from ...contract.catalog import Entry
from ..models.installed import Release
from ..models.reference import Native, Outputs, Subject
from ..scenarios.context import Trip
from ..scenarios.holder import names_in
from ..scenarios.protocol import Computed, Leg, Loaded, Written
from .wrapper import PREFIX, embedding, no_wrapper

FILE: Final = "model.safetensors"
LOCAL_DIR: Final = Version("1.0.16")  # from here on timm reads a folder, its config.json included


class RoundTrip:
    """From timm's checkpoint to transformers, to disk, and from there back to both."""

    name = "roundtrip"

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """Not before TimmWrapperModel."""
        return no_wrapper(release)

    def legs(self, trip: Trip) -> Mapping[str, Leg]:
        """One: with its head where it has one."""
        return {"": _there_and_back(trip)}


def _there_and_back(trip: Trip) -> Leg:
    native = trip.native(lambda: whole(trip.subject))
    model, _ = trip.load(auto_class(trip.subject).from_pretrained, trip.checkpoint())
    folder = trip.save(model, trip.folder / "resaved", phase="resave")
    yield from loaded_by_both(trip, folder, native)


def whole(subject: Subject) -> Native:
    """The model with its head where it has one."""
    return subject.classifier if subject.entry.classifier else subject.headless


def auto_class(subject: Subject) -> Any:
    """The class that loads the whole model."""
    return AutoModelForImageClassification if subject.entry.classifier else AutoModel


def run_whole(subject: Subject, model: Any) -> Outputs:
    """What transformers' whole model computes, named as native's."""
    return {"logits": model(subject.pixels).logits} if subject.entry.classifier else embedding(subject, model)


def loaded_by_both(trip: Trip, folder: Path, native: Native) -> Leg:
    """A folder that transformers wrote: the names in it, what timm makes of it, and what transformers does."""
    subject = trip.subject
    yield Written(folder, names_in(folder), native.names)
    yield from loaded_by_timm(trip, folder, native)
    model, info = trip.load(auto_class(subject).from_pretrained, folder)
    loaded = Loaded(model, PREFIX, native, info)
    yield loaded
    yield Computed(lambda: run_whole(subject, model), lambda: native.runs, loaded)


def loaded_by_timm(trip: Trip, folder: Path, native: Native, file: str = FILE, **arguments: Any) -> Leg:
    """What timm makes of a folder, or where it reads none of the one file in it; `arguments` go to `create_model`."""
    subject = trip.subject
    with trip.during("load"):
        if trip.release.timm >= LOCAL_DIR:
            made = timm.create_model(f"local-dir:{folder}", pretrained=True, **arguments)
        else:
            given = {**arguments, "num_classes": subject.classes}
            made = timm.create_model(subject.architecture, checkpoint_path=str(folder / file), **given)
        module = subject.place.put(made.to(subject.place.dtype))
    loaded = Loaded(module, "", native, by="timm")
    yield loaded
    run = (
        (lambda: {"logits": module(subject.image)}) if subject.entry.classifier else (lambda: subject.embedding(module))
    )
    yield Computed(run, lambda: native.runs, loaded)
