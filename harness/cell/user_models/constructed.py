"""Weights that a model's constructor loads, as a tower of one's own loads timm's pretrained ones: what becomes of them.

Filled before loading they would hide it, so these scenarios of `own` keep what the constructor made.
"""

import contextlib
import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from unittest import mock

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from ..models.native import Native
from ..models.placement import tensors_of
from ..scenarios.context import CaseContext
from ..scenarios.protocol import Loaded, Scenario

CONSTRUCTED: Final = "constructed"
WITHOUT_TOWER: Final = "without the tower"

Build = Callable[[], Any]


@dataclass(frozen=True, eq=False)
class Constructed:
    """A model as its constructor made it, and the tensors that the constructor loaded, by the model's own names.

    These are as they were loaded, whatever `post_init()` made of them.
    """

    model: Any
    loaded: Mapping[str, Tensor]

    @property
    def others(self) -> frozenset[str]:
        """The names of all other tensors, which have other values each time."""
        return frozenset(tensors_of(self.model).keys() - self.loaded.keys())

    def as_loaded(self) -> Native:
        """The model with what its constructor had loaded. It is not run, for the rest of it is random."""
        model = copy.deepcopy(self.model).eval()
        tensors = tensors_of(model)
        with torch.no_grad():
            for name, tensor in self.loaded.items():
                tensors[name].copy_(tensor)
        return Native(model, dict, model.state_dict())


class Watch:
    """What `load_state_dict` puts into modules, as it is when `post_init()` begins."""

    def __init__(self) -> None:
        self._given: dict[int, Tensor] = {}
        """The tensors that were loaded, by id."""
        self._copies: dict[int, Tensor] = {}

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Look at each `load_state_dict` and each `post_init()` meanwhile."""
        load, post_init = nn.Module.load_state_dict, PreTrainedModel.post_init

        def watched_load(module: nn.Module, state: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
            result = load(module, state, *args, **kwargs)
            loaded = {id(tensor): tensor for name, tensor in tensors_of(module).items() if name in state}
            self._given |= loaded
            self._copies = {key: kept for key, kept in self._copies.items() if key not in loaded}
            return result

        def watched_post_init(model: PreTrainedModel) -> None:
            held = {id(tensor) for tensor in tensors_of(model).values()}
            new = held & (self._given.keys() - self._copies.keys())
            self._copies |= {key: self._given[key].detach().clone() for key in new}
            post_init(model)

        with (
            mock.patch.object(nn.Module, "load_state_dict", watched_load),
            mock.patch.object(PreTrainedModel, "post_init", watched_post_init),
        ):
            yield

    def of(self, model: nn.Module) -> dict[str, Tensor]:
        """What was loaded into tensors that are in the model still."""
        loaded = {name: tensor for name, tensor in tensors_of(model).items() if id(tensor) in self._given}
        kept = {name: self._copies.get(id(tensor), tensor) for name, tensor in loaded.items()}
        return {name: kept[name].detach() for name, tensor in loaded.items() if kept[name].shape == tensor.shape}


def construct(build: Build) -> Constructed:
    """Make a model, and keep what its constructor loaded into it."""
    watch = Watch()
    with watch.watching():
        model = build()
    return Constructed(model, watch.of(model))


def scenarios(context: CaseContext, build: Build) -> Mapping[str, Scenario]:
    """As it is constructed; and loaded from a checkpoint that lacks what the constructor loads."""
    return {CONSTRUCTED: _constructed(context, build), WITHOUT_TOWER: _without_tower(context, build)}


def _constructed(context: CaseContext, build: Build) -> Scenario:
    with context.during("load"):
        made = construct(build)
        native = made.as_loaded()
        model = context.look(context.mend_model(made.model.eval()))
    yield Loaded(model, "", context.native(lambda: native, anew=True), left_out=made.others, runs=False, scales=False)


def _without_tower(context: CaseContext, build: Build) -> Scenario:
    with context.during("save"):
        made = construct(build)
    native = context.native(made.as_loaded, anew=True)
    absent = frozenset(made.loaded)
    folder = context.save(native.module, context.folder / "saved", left_out=absent)
    model, info = context.load(type(made.model).from_pretrained, folder)
    yield Loaded(model, "", native, info, left_out=made.others, absent=absent, runs=False, scales=False)
