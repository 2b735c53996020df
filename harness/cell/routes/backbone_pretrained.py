"""`backbone-pretrained`: `TimmBackbone.from_pretrained`, with weights that timm's own mechanism reads from a file.

By a name of timm's registry whose pretrained weights are a local file, by `local-dir:`, and for grey pictures.

Compared with native timm: feature maps of `timm.create_model(..., pretrained=True)`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import timm
from packaging.version import Version
from timm.models import is_model, model_entrypoint, register_model
from torch import Tensor
from transformers import TimmBackbone

from ...contract.catalog import Entry
from ..compare.diagnosis import equal
from ..models import weights
from ..models.installed import Release
from ..models.native import Native, Outputs, numbered
from ..models.reference import ReferenceModel
from ..scenarios.context import CaseContext
from ..scenarios.protocol import Computed, Loaded, Scenario
from .backbone import no_backbone
from .roundtrip import LOCAL_DIR

PREFIX: Final = "_backbone"
PRETRAINED: Final = "pretrained_"
ANY_NAME: Final = Version("4.47.0")  # before, a name must be listed by timm, or is cut at its dot
COLOURS: Final = 3
GREY: Final = 1  # timm sums the first layer's weights over colours
FILES: Final[dict[str, Path]] = {}
"""The weights file of each name registered here."""


class BackbonePretrained:
    """By a name in timm's registry, by `local-dir:`, and with another number of channels, to which timm adapts."""

    name = "backbone-pretrained"

    def unsupported(self, release: Release, entry: Entry) -> str | None:
        """Architectures without `features_only` in timm have no such route."""
        return no_backbone(release, entry)

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """By name; with the default variant also the other scenarios that this pair supports."""
        if not context.is_default:
            return {"": _by_name(context, COLOURS)}
        scenarios = {"": _by_name(context, COLOURS), "num_channels": _by_name(context, GREY)}
        if context.release.timm >= LOCAL_DIR and context.release.transformers >= ANY_NAME:
            scenarios["local-dir"] = _by_folder(context)
        return scenarios


def _by_name(context: CaseContext, channels: int) -> Scenario:
    """Load by a name in timm's registry, whose pretrained weights timm reads from a file."""
    name = _registered(context.reference, context.checkpoint() / "model.safetensors")
    yield from _pretrained(context, name, channels)


def _by_folder(context: CaseContext) -> Scenario:
    yield from _pretrained(context, f"local-dir:{context.checkpoint()}", COLOURS)


def _pretrained(context: CaseContext, name: str, channels: int) -> Scenario:
    """Load the backbone of that name and compare it with timm's own."""
    reference = context.reference
    image = reference.image[:, :channels]

    def create() -> Any:
        with weights.cheap_randomness():
            return timm.create_model(
                name, pretrained=True, features_only=True, in_chans=channels, out_indices=reference.levels
            )

    def build() -> Native:
        plain = create()
        module = reference.placement.cast(plain)
        return Native(module, lambda: numbered(module(image)), plain.state_dict())

    native = context.native(build)
    with context.during("native"):
        # Tensors that timm leaves random, such as a head that no feature map needs, cannot be compared.
        unsaved = _not_of(reference.state, native.state)
        again = create().state_dict() if unsaved else {}
        random = frozenset(name for name in unsaved if not equal(native.state[name], again[name]))
    with context.during("load"):
        loaded_backbone = TimmBackbone.from_pretrained(
            name, out_indices=reference.levels, num_channels=channels, **context.dtype
        )
        model = reference.placement.put(context.look(context.mend_model(loaded_backbone)))
    loaded = Loaded(model, PREFIX, native, left_out=random)
    yield loaded

    def run() -> Outputs:
        return numbered(model(image).feature_maps)

    yield Computed(run, lambda: native.runs, loaded)


def _not_of(checkpoint: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> list[str]:
    """The names of tensors that differ from their counterparts in the checkpoint, which spells names otherwise."""
    saved = weights.counterparts(checkpoint)
    expected = {name: saved(name, tensor) for name, tensor in state.items()}
    return [name for name, tensor in expected.items() if tensor is None or not equal(tensor, state[name])]


def _registered(reference: ReferenceModel, checkpoint: Path) -> str:
    """Register a name for this architecture whose pretrained weights are in the file, and return the name."""
    name = PRETRAINED + reference.architecture
    FILES[name] = checkpoint
    if not is_model(name):
        build = model_entrypoint(reference.architecture)

        def entrypoint(pretrained: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002  timm's own protocol
            # timm.create_model always passes an overlay, which may be None.
            source = {"file": str(FILES[name]), "num_classes": reference.classes, "custom_load": False}
            return build(pretrained=pretrained, **{**kwargs, "pretrained_cfg_overlay": source})

        entrypoint.__name__ = name
        register_model(entrypoint)
    return name


ROUTE: Final = BackbonePretrained()
