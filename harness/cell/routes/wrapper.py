"""`wrapper`: a timm checkpoint through AutoModel, which makes a TimmWrapperModel of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from packaging.version import Version
from transformers import AutoModel

from harness.catalog import Entry
from harness.cell.routes.road import Loaded, Release, Saved
from harness.cell.subject import Native, Outputs, Runs, Subject

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

    def native(self, subject: Subject) -> Native:
        """The model without a head."""
        return subject.headless

    def save(self, subject: Subject, folder: Path) -> Saved:
        """The checkpoint of the model with its head, as the hub holds it."""
        return Saved(subject.save(folder.parent / "timm"))

    def load(self, subject: Subject, saved: Saved) -> Iterator[Loaded]:
        """Through AutoModel; the classification head is left out on purpose."""
        model, info = AutoModel.from_pretrained(saved.folder, output_loading_info=True)
        left_out = frozenset(subject.classifier.names) - frozenset(subject.headless.names)
        yield Loaded(subject.place.put(model), PREFIX, info, left_out)

    def expected(self, subject: Subject, saved: Saved) -> Runs:  # noqa: ARG002
        """Timm's own features and pooled features."""
        return subject.headless.runs

    def outputs(self, subject: Subject, loaded: Loaded) -> Outputs:
        """A forward pass; an encoder that has no head to pool with is asked for features alone."""
        pools = subject.entry.classifier
        output = loaded.model(subject.image, **({} if pools else {"do_pooling": False}))
        pooled = {"pooler_output": output.pooler_output} if pools else {}
        return {"last_hidden_state": output.last_hidden_state, **pooled}
