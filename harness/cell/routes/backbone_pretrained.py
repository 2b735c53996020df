"""`backbone-pretrained`: TimmBackbone.from_pretrained, its weights coming through timm's own mechanism from a file."""

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
from ..models.reference import Native, Outputs, Subject, numbered
from ..scenarios.context import Trip
from ..scenarios.protocol import Computed, Leg, Loaded
from .backbone import no_backbone
from .roundtrip import LOCAL_DIR

PREFIX: Final = "_backbone"
PRETRAINED: Final = "pretrained_"
ANY_NAME: Final = Version("4.47.0")  # before, a name must be one that timm lists, or is cut at its dot
COLOURS: Final = 3
GREY: Final = 1  # timm sums the first layer's weights over colours
FILES: Final[dict[str, Path]] = {}
"""Where each name that is registered here has its weights."""


class BackbonePretrained:
    """By a name in timm's registry, and by `local-dir:`; and with another number of channels, which timm adapts."""

    name = "backbone-pretrained"

    def unsupported(self, release: Release, entry: Entry) -> str | None:
        """Only what timm itself offers as a backbone."""
        return no_backbone(release, entry)

    def legs(self, trip: Trip) -> Mapping[str, Leg]:
        """By name; and the other ways that this pair has."""
        if not trip.is_default:
            return {"": _by_name(trip, COLOURS)}
        legs = {"": _by_name(trip, COLOURS), "num_channels": _by_name(trip, GREY)}
        if trip.release.timm >= LOCAL_DIR and trip.release.transformers >= ANY_NAME:
            legs["local-dir"] = _by_folder(trip)
        return legs


def _by_name(trip: Trip, channels: int) -> Leg:
    """A name of timm's registry, whose pretrained weights timm reads from a file."""
    name = _registered(trip.subject, trip.checkpoint() / "model.safetensors")
    yield from _pretrained(trip, name, channels)


def _by_folder(trip: Trip) -> Leg:
    yield from _pretrained(trip, f"local-dir:{trip.checkpoint()}", COLOURS)


def _pretrained(trip: Trip, name: str, channels: int) -> Leg:
    """The backbone of that name, held against what timm itself makes of it."""
    subject = trip.subject
    image = subject.image[:, :channels]

    def made() -> Any:
        with weights.cheap_randomness():
            return timm.create_model(
                name, pretrained=True, features_only=True, in_chans=channels, out_indices=subject.levels
            )

    def build() -> Native:
        plain = made()
        module = subject.place.cast(plain)
        return Native(module, lambda: numbered(module(image)), plain.state_dict())

    native = trip.native(build)
    with trip.during("native"):
        # What timm itself leaves to chance, such as a head that no feature map needs, cannot come back.
        unsaved = _not_of(subject.state, native.state)
        again = made().state_dict() if unsaved else {}
        chance = frozenset(name for name in unsaved if not equal(native.state[name], again[name]))
    with trip.during("load"):
        loaded_backbone = TimmBackbone.from_pretrained(
            name, out_indices=subject.levels, num_channels=channels, **trip.dtype
        )
        model = subject.place.put(loaded_backbone)
    loaded = Loaded(model, PREFIX, native, left_out=chance)
    yield loaded

    def run() -> Outputs:
        return numbered(model(image).feature_maps)

    yield Computed(run, lambda: native.runs, loaded)


def _not_of(checkpoint: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> list[str]:
    """The names of tensors that are not as the checkpoint has them, which calls them by another spelling."""
    saved = weights.counterparts(checkpoint)
    found = {name: saved(name, tensor) for name, tensor in state.items()}
    return [name for name, tensor in found.items() if tensor is None or not equal(tensor, state[name])]


def _registered(subject: Subject, checkpoint: Path) -> str:
    """A name that stands for this architecture with its pretrained weights in a file."""
    name = PRETRAINED + subject.architecture
    FILES[name] = checkpoint
    if not is_model(name):
        build = model_entrypoint(subject.architecture)

        def entrypoint(pretrained: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002  timm's own protocol
            # timm.create_model always hands an overlay on, None where there is none.
            source = {"file": str(FILES[name]), "num_classes": subject.classes, "custom_load": False}
            return build(pretrained=pretrained, **{**kwargs, "pretrained_cfg_overlay": source})

        entrypoint.__name__ = name
        register_model(entrypoint)
    return name
