"""`wrapper`: a timm checkpoint through `AutoModel`, which makes a TimmWrapperModel of it.

Compared with native timm: `last_hidden_state` and `pooler_output`.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from packaging.version import Version
from transformers import AutoModel

from ...contract.catalog import Entry
from ...contract.routes import WRAPPER
from ..models.installed import Release
from ..models.native import Outputs
from ..models.reference import ReferenceModel
from ..scenarios.context import CaseContext
from ..scenarios.protocol import Computed, Loaded, Scenario

SINCE: Final = Version(WRAPPER)
PREFIX: Final = "timm_model"


def no_wrapper(release: Release) -> str | None:
    """The reason why this release cannot wrap a timm checkpoint; None if it can."""
    if release.transformers < SINCE:
        return f"TimmWrapperModel is new in transformers {SINCE}"
    return None


class Wrapper:
    """AutoModel.from_pretrained on a timm checkpoint: last_hidden_state and pooler_output."""

    name = "wrapper"

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """Releases before TimmWrapperModel lack the route."""
        return no_wrapper(release)

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """A single scenario: the checkpoint as on the hub."""
        return {"": embedded(context, context.checkpoint)}


def embedded(context: CaseContext, checkpoint: Callable[[], Path]) -> Scenario:
    """Load what `checkpoint` writes with AutoModel, which omits the classification head on purpose."""
    native = context.native(lambda: context.reference.headless)
    model, info = context.load(AutoModel.from_pretrained, checkpoint())
    loaded = Loaded(model, PREFIX, native, info, left_out=head(context.reference))
    yield loaded
    yield Computed(lambda: embedding(context.reference, model), lambda: native.runs, loaded)


def head(reference: ReferenceModel) -> frozenset[str]:
    """The names in a checkpoint that belong to its classification head only."""
    return frozenset(reference.state) - frozenset(reference.headless.names)


def embedding(reference: ReferenceModel, model: Any) -> Outputs:
    """The outputs of a TimmWrapperModel; an encoder without a head to pool gives features only."""
    pools = reference.entry.classifier
    output = model(reference.pixels, **({} if pools else {"do_pooling": False}))
    pooled = {"pooler_output": output.pooler_output} if pools else {}
    return {"last_hidden_state": output.last_hidden_state, **pooled}


ROUTE: Final = Wrapper()
