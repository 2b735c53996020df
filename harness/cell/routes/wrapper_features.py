"""`wrapper-features`: `AutoModel` asked for its hidden states, and made of timm's `features_only`.

Every hidden state; the first and the last; and, through `model_args`, feature maps.

Compared with native timm: the states of `forward_intermediates`, and the feature maps.
"""

from collections.abc import Mapping
from typing import Any, Final

from packaging.version import Version
from transformers import AutoModel

from ...contract.catalog import Entry
from ..models.installed import Release
from ..models.native import Native, Outputs, Runs, numbered
from ..models.reference import ReferenceModel
from ..scenarios.context import CaseContext
from ..scenarios.protocol import Computed, Loaded, Scenario
from .wrapped import PREFIX, head, no_wrapper

FEATURES_ONLY: Final = Version("4.57.1")


class WrapperFeatures:
    """All hidden states, a subset of them, and feature maps."""

    name = "wrapper-features"

    def unsupported(self, release: Release, entry: Entry) -> str | None:
        """Releases before TimmWrapperModel, and models without intermediate outputs, lack the route."""
        if not entry.intermediates and not _has_feature_maps(release, entry):
            return f"timm {release.timm} gives no intermediate outputs of {entry.model}"
        return no_wrapper(release)

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """The hidden states and feature maps that the architecture and the release have."""
        entry = context.reference.entry
        states = {
            "all hidden states": _hidden(context, indices=True),
            "first and last": _hidden(context, indices=[0, -1]),
        }
        maps = {"features_only": _feature_maps(context)}
        return {
            **(states if entry.intermediates else {}),
            **(maps if _has_feature_maps(context.release, entry) else {}),
        }


def _has_feature_maps(release: Release, entry: Entry) -> bool:
    return release.transformers >= FEATURES_ONLY and entry.feature_levels > 0


def _hidden(context: CaseContext, indices: bool | list[int]) -> Scenario:  # noqa: FBT001  as transformers takes it
    """The hidden states of these indices; True for all."""
    reference, native = context.reference, context.native(lambda: context.reference.headless)
    model, info = context.load(AutoModel.from_pretrained, context.checkpoint())
    loaded = Loaded(model, PREFIX, native, info, left_out=head(reference))
    yield loaded

    def run() -> Outputs:
        output = model(reference.pixels, output_hidden_states=indices, do_pooling=False)
        return _named(output.last_hidden_state, output.hidden_states)

    def expected() -> Outputs:
        chosen = None if indices is True else indices
        return _named(*native.module.forward_intermediates(reference.image, indices=chosen))

    yield Computed(run, lambda: Runs.of(expected), Loaded(model, PREFIX, Native(native.module, expected, native.state)))


def _feature_maps(context: CaseContext) -> Scenario:
    """Feature maps, by `features_only` in the configuration's `model_args`."""
    reference = context.reference
    native = context.native(lambda: reference.features_at(reference.levels, num_classes=0))  # as the wrapper makes it
    arguments = {"model_args": {"features_only": True, "out_indices": reference.levels}}
    model, info = context.load(AutoModel.from_pretrained, context.checkpoint(), **arguments)
    loaded = Loaded(model, PREFIX, native, info, left_out=_unused(reference, native))
    yield loaded

    def run() -> Outputs:
        maps = model(reference.pixels).last_hidden_state
        return numbered(maps)

    yield Computed(run, lambda: native.runs, loaded)


def _unused(reference: ReferenceModel, native: Native) -> frozenset[str]:
    """Names of the checkpoint that feature maps do not need."""
    return frozenset(reference.classifier.names) - frozenset(native.names)


def _named(last: Any, states: Any) -> Outputs:
    return {"last_hidden_state": last, **numbered(states, "hidden_states")}


ROUTE: Final = WrapperFeatures()
