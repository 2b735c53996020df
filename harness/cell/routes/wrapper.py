"""`wrapper`: a timm checkpoint through `AutoModel`, which makes a TimmWrapperModel of it.

With what it takes besides one picture, with a name too many and one too few, and for encoders a step of training.

Compared with native timm: `last_hidden_state` and `pooler_output`, what the report says, gradients.
"""

from collections.abc import Mapping
from typing import Any, Final

from torch import Tensor
from transformers import AutoModel

from ...contract.catalog import Entry
from ..models.installed import Release
from ..models.native import Outputs
from ..scenarios.context import CaseContext
from ..scenarios.protocol import Scenario
from . import arguments, reports, training
from .wrapped import PREFIX, embedded, no_wrapper


class Wrapper:
    """AutoModel.from_pretrained on a timm checkpoint: last_hidden_state and pooler_output."""

    name = "wrapper"

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """Releases before TimmWrapperModel lack the route."""
        return no_wrapper(release)

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """The checkpoint as on the hub; in the default variant also the other scenarios."""
        scenarios = {"": embedded(context, context.checkpoint)}
        if context.tries_all:
            scenarios |= {"arguments": arguments.of_wrapper(context), "report": reports.of_wrapper(context, PREFIX)}
            if not context.reference.entry.classifier:  # the others are trained with their head
                scenarios[training.NAME] = _trained(context)
        return scenarios


def _trained(context: CaseContext) -> Scenario:
    def features(model: Any, pixels: Tensor) -> Outputs:
        return {"last_hidden_state": model(pixels, do_pooling=False).last_hidden_state}

    def native_features(module: Any, pixels: Tensor) -> Outputs:
        return {"last_hidden_state": module.forward_features(pixels)}

    load = AutoModel.from_pretrained
    yield from training.of_wrapper(context, load, PREFIX, features, native_features, num_classes=0)


ROUTE: Final = Wrapper()
