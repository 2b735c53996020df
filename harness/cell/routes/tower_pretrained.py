"""`tower-pretrained`: the model of `tower`, whose constructor loads timm's pretrained weights from a file.

As it is constructed; saved and loaded whole, where the checkpoint counts and not the file, also with the tower frozen;
and loaded from a checkpoint of everything but the tower, as a projector's training leaves it.

Compared with native timm: the tower's tensors and vision features.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import timm
from safetensors.torch import save_file
from torch import Tensor, nn

from ...contract.catalog import Entry
from ..models.installed import Release
from ..models.native import Outputs, Runs
from ..models.reference import ReferenceModel
from ..scenarios.context import CaseContext
from ..scenarios.holder import Holder, build_filled, save_and_load
from ..scenarios.protocol import Computed, Loaded, Scenario
from .tower import FEATURES, PREFIX, Tower, TowerConfig, holder


class TowerPretrainedConfig(TowerConfig):
    """Names the timm architecture, the file of its pretrained weights, and the number of their classes.

    A tower that is `frozen` is not trained.
    """

    model_type = "timm_tower_pretrained"

    def __init__(
        self,
        options: Mapping[str, Any] | None = None,
        weights: str = "",
        classes: int = 0,
        *,
        frozen: bool = False,
        **kwargs: Any,
    ) -> None:
        self.weights, self.classes, self.frozen = weights, classes, frozen
        super().__init__(options, **kwargs)


class TowerPretrained(Tower):
    """Loads timm's pretrained weights in its constructor, before `post_init()`."""

    config_class = TowerPretrainedConfig

    def vision(self, config: TowerPretrainedConfig) -> nn.Module:
        """The vision tower with the weights of the file."""
        source = {"file": config.weights, "num_classes": config.classes, "custom_load": False}
        module: nn.Module = timm.create_model(
            config.architecture, pretrained=True, num_classes=0, pretrained_cfg_overlay=source, **config.options
        )
        return module.requires_grad_(not config.frozen)


class TowerPretrainedRoute:
    """A custom model that loads a pretrained timm model while it is constructed."""

    name = "tower-pretrained"

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """None: a custom model can hold any timm model."""
        return None

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """Constructed; from a whole checkpoint, also with the tower frozen; and from one without the tower."""
        frozen = {"frozen": _frozen(context)} if context.is_default else {}
        return {
            "constructed": _constructed(context),
            "whole checkpoint": _whole(context),
            **frozen,
            "without the tower": _without_tower(context),
        }


def _constructed(context: CaseContext) -> Scenario:
    native = context.native(lambda: context.reference.headless)
    made = _holder(context, context.reference.state)
    with context.during("load"):
        model = context.look(context.mend_model(made.build().eval()))
        model = context.reference.placement.put(model.to(context.reference.placement.dtype))
    loaded = Loaded(model, PREFIX, native)
    yield loaded
    yield _features(context.reference, loaded)


def _whole(context: CaseContext) -> Scenario:
    state = context.reference.state
    other = {name: tensor / 2 if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    yield from save_and_load(context, _holder(context, other))


def _frozen(context: CaseContext) -> Scenario:
    """A frozen tower computes as any other, so that nothing is computed."""
    made = replace(_holder(context, context.reference.state, frozen=True), alters=True)
    for step in save_and_load(context, made):
        if not isinstance(step, Computed):
            yield replace(step, runs=False) if isinstance(step, Loaded) else step


def _without_tower(context: CaseContext) -> Scenario:
    native = context.native(lambda: context.reference.headless)
    made, names = _holder(context, context.reference.state), frozenset(native.names)
    saved, folder = build_filled(context, made, native), context.folder / "saved"
    context.save(saved, folder, left_out=frozenset(f"{PREFIX}.{name}" for name in names))
    model, info = context.load(made.from_pretrained, folder)
    loaded = Loaded(model, PREFIX, native, info, absent=names)
    yield loaded
    yield _features(context.reference, loaded)


def _holder(context: CaseContext, state: Mapping[str, Tensor], **config: Any) -> Holder:
    """The holder of a tower whose pretrained weights are these, with a head if timm gives the model one."""
    file = context.folder / f"{context.scenario} pretrained.safetensors"
    file.parent.mkdir(parents=True, exist_ok=True)
    with context.during("save"):
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, file)
    classes = context.reference.classes if context.reference.entry.classifier else 0
    return holder(context.reference, TowerPretrained, PREFIX, weights=str(file), classes=classes, **config)


def _features(reference: ReferenceModel, loaded: Loaded) -> Computed:
    """The step of the tower's features."""

    def run() -> Outputs:
        return {FEATURES: loaded.model.features(reference.image)}

    def expected() -> Outputs:
        return {FEATURES: loaded.native.run()[FEATURES]}

    return Computed(run, lambda: Runs.of(expected), replace(loaded, native=replace(loaded.native, run=expected)))


ROUTE: Final = TowerPretrainedRoute()
