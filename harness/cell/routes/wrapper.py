"""`wrapper`: a timm checkpoint through AutoModel, which makes a TimmWrapperModel of it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from packaging.version import Version
from transformers import AutoModel

from ...contract.catalog import Entry
from ..models.installed import Release
from ..models.reference import Outputs, Subject
from ..scenarios.context import Trip
from ..scenarios.protocol import Computed, Leg, Loaded

SINCE: Final = Version("4.48.0")
PREFIX: Final = "timm_model"


def no_wrapper(release: Release) -> str | None:
    """Why this release cannot wrap a timm checkpoint; None where it can."""
    if release.transformers < SINCE:
        return f"TimmWrapperModel is new in transformers {SINCE}"
    return None


class Wrapper:
    """AutoModel.from_pretrained on a timm checkpoint: last_hidden_state and pooler_output."""

    name = "wrapper"

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """Not before TimmWrapperModel."""
        return no_wrapper(release)

    def legs(self, trip: Trip) -> Mapping[str, Leg]:
        """One: as the hub holds it."""
        return {"": embedded(trip, trip.checkpoint)}


def embedded(trip: Trip, checkpoint: Callable[[], Path]) -> Leg:
    """A checkpoint, made on the way, through AutoModel; the classification head is left out on purpose."""
    native = trip.native(lambda: trip.subject.headless)
    model, info = trip.load(AutoModel.from_pretrained, checkpoint())
    loaded = Loaded(model, PREFIX, native, info, left_out=head(trip.subject))
    yield loaded
    yield Computed(lambda: embedding(trip.subject, model), lambda: native.runs, loaded)


def head(subject: Subject) -> frozenset[str]:
    """The names that a checkpoint has for its classification head alone."""
    return frozenset(subject.state) - frozenset(subject.headless.names)


def embedding(subject: Subject, model: Any) -> Outputs:
    """A TimmWrapperModel's outputs; an encoder that has no head to pool with is asked for features alone."""
    pools = subject.entry.classifier
    output = model(subject.pixels, **({} if pools else {"do_pooling": False}))
    pooled = {"pooler_output": output.pooler_output} if pools else {}
    return {"last_hidden_state": output.last_hidden_state, **pooled}
