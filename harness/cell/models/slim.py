"""An architecture cut to few blocks and perhaps little width, as the catalog says, under a name of its own.

The cut is made through the constructor's own arguments, so that `feature_info` and all else that the constructor
derives agree with the blocks that remain. It is registered with timm under that name, because every release of
transformers builds a timm model through its own `timm.create_model(name)`, and the older ones pass no arguments on.
"""

import contextlib
import dataclasses
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from unittest import mock

import timm
import torch
from timm.models import is_model, model_entrypoint, register_model
from torch import nn

from ...contract.case import DEFAULT_SIZE, Size
from ...contract.catalog import Entry
from .weights import uninitialised

PREFIXES: Final = tuple(f"{size}_" for size in Size if size.is_cut)
"""What begins the names of models that are cut."""
BLOCKS: Final = "block_args"  # MobileNet-like: a list of stages, each a list of blocks; cut by position
WIDTH: Final = "out_chs"  # the channels that such a block gives
DIVISOR: Final = "out_chs_divided_by"  # no argument of timm's: what the widths of such blocks are divided by


@dataclasses.dataclass(frozen=True)
class Call:
    """One call of a model's constructor as timm's entrypoint makes it."""

    model_cls: Callable[..., nn.Module]
    arguments: Mapping[str, Any]

    @property
    def config_name(self) -> str | None:
        """The argument that carries the shape of a config-driven architecture (MaxViT, NaFlexViT), if there is one."""
        return next((name for name in ("model_cfg", "cfg") if self.arguments.get(name) is not None), None)

    def get(self, name: str) -> Any:
        """The value of an argument in this call, or its default; None if there is no such argument."""
        config = self.arguments.get(self.config_name) if self.config_name else None
        parameter = inspect.signature(self.model_cls).parameters.get(name)
        default = None if parameter is None or parameter.default is parameter.empty else parameter.default
        return self.arguments.get(name, getattr(config, name, default))

    def takes(self, name: str) -> bool:
        """Whether the constructor or its config has an argument of this name."""
        config = self.arguments.get(self.config_name) if self.config_name else None
        return name in inspect.signature(self.model_cls).parameters or hasattr(config, name)

    def changed(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments with `changes` made; those of the config are changed in the config."""
        arguments, changes = dict(self.arguments), dict(changes)
        if BLOCKS in changes:
            stages = zip(arguments[BLOCKS], changes.pop(BLOCKS), strict=True)
            arguments[BLOCKS] = [[stage[position] for position in positions] for stage, positions in stages]
        if DIVISOR in changes:
            divisor = changes.pop(DIVISOR)
            arguments[BLOCKS] = [
                [{**block, WIDTH: block[WIDTH] // divisor} for block in stage] for stage in arguments[BLOCKS]
            ]
        if self.config_name:
            config = arguments[self.config_name]
            inner = {name: changes.pop(name) for name in list(changes) if hasattr(config, name)}
            arguments[self.config_name] = dataclasses.replace(config, **inner)
        return {**arguments, **changes}


@contextlib.contextmanager
def constructor_of(model: str, changes: Callable[[Call], Mapping[str, Any]]) -> Iterator[None]:
    """Pass `changes` the constructor's call that the entrypoint of `model` makes, and make the changes it returns.

    Every entrypoint of timm calls its module's `build_model_with_cfg`; timm does the rest as ever.
    """
    module: Any = sys.modules[model_entrypoint(model).__module__]
    build = module.build_model_with_cfg

    def replaced(model_cls: Callable[..., nn.Module], variant: str, pretrained: bool, **arguments: Any) -> Any:  # noqa: FBT001
        call = Call(model_cls, arguments)
        return build(model_cls, variant, pretrained, **call.changed(changes(call)))

    with mock.patch.object(module, "build_model_with_cfg", replaced):
        yield


def create_cut(model: str, args: Mapping[str, Any], **kwargs: Any) -> nn.Module:
    """`timm.create_model`, with some of the constructor's arguments replaced by `args`."""
    with constructor_of(model, lambda _: args):
        built: nn.Module = timm.create_model(model, **kwargs)
        return built


def build(model: str, args: Mapping[str, Any], **kwargs: Any) -> nn.Module:
    """Build a model's shapes without values, replacing some of its constructor's arguments by `args`.

    Built on the meta device. A model whose constructor reads a tensor (before 1.0.21, drop rates come from one) is
    built on the CPU, where memory that is never written takes no space.
    """
    try:
        return _build_on("meta", model, args, **kwargs)
    except (RuntimeError, TypeError):
        return _build_on("cpu", model, args, **kwargs)


def _build_on(device: str, model: str, args: Mapping[str, Any], **kwargs: Any) -> nn.Module:
    with torch.device(device), uninitialised():
        return create(model, args, **kwargs).eval()


def create(model: str, args: Mapping[str, Any], **kwargs: Any) -> nn.Module:
    """Create a model with its constructor's own values, replacing some of the constructor's arguments by `args`."""
    module: nn.Module = create_cut(model, args, **kwargs) if args else timm.create_model(model, **kwargs)
    return module


def register(entry: Entry, size: str = DEFAULT_SIZE) -> str:
    """Register the model of an entry, cut to a size, with timm in this process, and return its name."""
    name, cut = f"{size}_{entry.model}", entry.cut(size)
    if not is_model(name):
        full = model_entrypoint(entry.model)

        def entrypoint(pretrained: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002
            # timm writes this description of the model into a checkpoint's config.json.
            description = {"architecture": name, "input_size": cut.input_size}
            overlay = {**description, **(kwargs.pop("pretrained_cfg_overlay", None) or {})}
            with constructor_of(entry.model, lambda _: cut.args):
                return full(pretrained=pretrained, pretrained_cfg_overlay=overlay, **kwargs)

        entrypoint.__name__ = name
        register_model(entrypoint)
    return name
