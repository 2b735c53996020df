"""The timm model of a user's checkpoint folder, with the weights in its files instead of telling ones."""

import contextlib
import functools
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import timm
import torch
from timm.models import is_model, model_entrypoint, register_model
from torch import Tensor, nn

from ...contract.catalog import Entry
from ...contract.checkpoint import CONFIG, WEIGHTS, Checkpoint, regular
from ...contract.finding import one_line
from ...contract.routes import OWN
from ..catalog.traits import entry_of
from ..guards import model_size
from ..models import weights
from ..models.installed import Release
from ..models.placement import Placement
from ..models.reference import ReferenceModel
from ..models.slim import build
from ..models.variants import Variant
from ..routes.roundtrip import loaded_by_timm, whole
from ..routes.wrapped import PREFIX
from ..scenarios.context import CaseContext
from ..scenarios.protocol import Damaged, Scenario
from . import damage
from .target import Unusable
from .tensor_files import copy_into, dtype_of, state_of

NAMED: Final = "kept_"
WRAPPED: Final = f"{PREFIX}."
NOT_FINITE: Final = "the checkpoint holds values that are not finite, so nothing that it computes can be compared"
COLOURS: Final = 3
SOURCES: Final = frozenset({"url", "file", "source", "state_dict", "hf_hub_id", "hf_hub_filename"})
"""Keys of `pretrained_cfg` that name other weights."""


class CheckpointFolder(ReferenceModel):
    """The reference model of a checkpoint folder; `held` are the tensors in its files."""

    def __init__(self, checkpoint: Checkpoint, held: Mapping[str, Tensor], placement: Placement) -> None:
        self.checkpoint = checkpoint
        self.held = held
        self.architecture = _registered(checkpoint, held)
        super().__init__(_entry(checkpoint, self.architecture), "full", placement)

    @classmethod
    def read(cls, checkpoint: Checkpoint, device: str = "cpu", dtype: torch.dtype | None = None) -> "CheckpointFolder":
        """Read a folder, in the files' precision by default. Raises Unusable if timm cannot read or make it."""
        held = {name.removeprefix(WRAPPED): tensor for name, tensor in state_of(checkpoint).items()}
        try:
            return cls(checkpoint, held, Placement(device, dtype or dtype_of(held)))
        except Unusable:
            raise
        except Exception as error:
            call = f"timm.create_model({checkpoint.architecture!r}, {dict(checkpoint.model_args)})"
            raise Unusable(f"{checkpoint.folder / CONFIG}: {call} fails: {one_line(error)}") from error

    @functools.cached_property
    def is_finite(self) -> bool:
        """Whether all tensors in the files are finite."""
        return not damage.nonfinite(self.held, self.default)

    def unsupported(self, route: str) -> str | None:
        """The reason why a route cannot load this folder, though it supports the model; None if it can."""
        if route != OWN and not self.is_finite:
            return NOT_FINITE
        if route.startswith("backbone") and self.input_size[0] != COLOURS:
            return f"a TimmBackbone is asked for {COLOURS} channels here, and this model has {self.input_size[0]}"
        if route == "backbone-pretrained" and self.checkpoint.files[0].name != WEIGHTS[0]:
            return f"this road hands timm {WEIGHTS[0]}, and the folder has {self.checkpoint.files[0].name}"
        return None

    @property
    def classes(self) -> int:
        """The number of classes that the folder names."""
        return self.checkpoint.classes

    @property
    def head_arguments(self) -> dict[str, Any]:
        """The arguments of `timm.create_model` that give the model its head."""
        return {"num_classes": self.classes}

    @functools.cached_property
    def filled(self) -> nn.Module:
        """The model with the tensors of the files; tensors that they lack keep the constructor's values."""
        with weights.cheap_randomness():
            module = self.build()
        copy_into(module, self.held)
        return module.eval()

    def build(self) -> nn.Module:
        """Make the model anew, with the constructor's values."""
        module: nn.Module = timm.create_model(self.architecture, pretrained=False, **self.head_arguments)
        return module

    def save(self, folder: Path, variant: Variant, *, in_shards: bool = True) -> Path:  # noqa: ARG002
        """Link the user's files into `folder`, unchanged, without what is no regular file of theirs."""
        folder.mkdir(parents=True, exist_ok=True)
        for path in self.checkpoint.folder.iterdir():
            with contextlib.suppress(ValueError):
                if not (folder / path.name).exists():
                    (folder / path.name).symlink_to(regular(path).resolve())
        return folder

    def config(self) -> dict[str, Any]:
        """The configuration, with the folder's own `pretrained_cfg`."""
        config = super().config()
        described = {"architecture": self.architecture, "num_classes": self.classes}
        return {**config, "pretrained_cfg": {**config["pretrained_cfg"], **self.checkpoint.pretrained_cfg, **described}}


class ReadByTimm:
    """The route `own` for a checkpoint folder of timm's: damage in its files, and whether timm reads them."""

    name = OWN

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """None: every release of timm reads files."""
        return None

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """A single scenario."""
        return {"": _read_by_timm(context)}


def _read_by_timm(context: CaseContext) -> Scenario:
    reference: Any = context.reference
    yield from (Damaged(message) for message in describe_damage(reference))
    native = context.native(lambda: whole(reference))
    checkpoint = reference.checkpoint
    yield from loaded_by_timm(context, checkpoint.folder, native, checkpoint.files[0].name, **checkpoint.model_args)


def describe_damage(reference: CheckpointFolder) -> Iterator[str]:
    """One sentence for each kind of damage in the files."""
    return damage.describe(reference.held, reference.filled, reference.default)


def _entry(checkpoint: Checkpoint, name: str) -> Entry:
    module = build(name, {}, num_classes=checkpoint.classes)
    entry = entry_of(name, module, whole=True)
    classifier = entry.classifier and checkpoint.classes > 0
    size = _input_size(checkpoint, entry.input_size)
    name = str(checkpoint.architecture)
    return replace(entry, model=name, classifier=classifier, input_size=size, smallest_input=size)


def _input_size(checkpoint: Checkpoint, default: tuple[int, int, int]) -> tuple[int, int, int]:
    """(channels, height, width) of the model's input."""
    channels, height, width = checkpoint.pretrained_cfg.get("input_size") or default
    side = checkpoint.model_args.get("img_size") or (height, width)
    height, width = (side, side) if isinstance(side, int) else side
    return checkpoint.model_args.get("in_chans") or channels, height, width


def _registered(checkpoint: Checkpoint, held: Mapping[str, Tensor]) -> str:
    """Register the folder's architecture, with its arguments, under a name of its own, and return the name.

    timm takes the input size from `pretrained_cfg` and TimmWrapper does not, so the shapes in the files decide.
    """
    architecture = str(checkpoint.architecture)
    if not is_model(architecture):
        raise Unusable(f"{checkpoint.folder / CONFIG}: timm {timm.__version__} has no architecture {architecture!r}")
    arguments = {**checkpoint.model_args, "num_classes": checkpoint.classes}
    try:
        model_size.laid_out(lambda: timm.create_model(architecture, **arguments), checkpoint.bytes)
    except model_size.TooLarge as error:
        raise Unusable(f"{checkpoint.folder / CONFIG}: {error}; correct what it says of the model") from error
    described = {name: value for name, value in checkpoint.pretrained_cfg.items() if name not in SOURCES}
    names = [_register(architecture, checkpoint.model_args, overlay) for overlay in (described, {})]
    return min(names, key=lambda name: _misfits(build(name, {}, num_classes=checkpoint.classes), held))


def _misfits(module: nn.Module, held: Mapping[str, Tensor]) -> int:
    """The number of tensors whose shape differs from the files."""
    return sum(name in held and held[name].shape != tensor.shape for name, tensor in module.state_dict().items())


def _register(architecture: str, args: Mapping[str, Any], described: Mapping[str, Any]) -> str:
    """Register an architecture with these arguments; equal arguments give the same name."""
    key = json.dumps([args, described], sort_keys=True)
    name = f"{NAMED}{architecture}_{hashlib.sha256(key.encode()).hexdigest()[:8]}"
    if not is_model(name):

        def entrypoint(pretrained: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002  timm's own protocol
            overlay = {**described, **(kwargs.pop("pretrained_cfg_overlay", None) or {})}
            arguments = {**args, **kwargs}
            return model_entrypoint(architecture)(pretrained=pretrained, pretrained_cfg_overlay=overlay, **arguments)

        entrypoint.__name__ = name
        register_model(entrypoint)
    return name
