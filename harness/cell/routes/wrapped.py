"""What the routes that load a TimmWrapper have in common."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from packaging.version import Version
from torch import Tensor
from transformers import AutoModel

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


def embedding(reference: ReferenceModel, model: Any, pixels: Tensor | None = None) -> Outputs:
    """The outputs of a TimmWrapperModel; an encoder without a head to pool gives features only."""
    pools = reference.entry.classifier
    pixels = reference.pixels if pixels is None else pixels
    output = model(pixels, **({} if pools else {"do_pooling": False}))
    pooled = {} if output.pooler_output is None else {"pooler_output": output.pooler_output}
    return {"last_hidden_state": output.last_hidden_state, **pooled}
