"""Finds the target that a user names, and makes it. Only code that the user names is executed."""

import importlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import timm
import torch
import transformers
from timm.models import is_model, model_entrypoint
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PreTrainedModel

from ...contract.checkpoint import CONFIG, Checkpoint
from ...contract.finding import one_line
from ..guards import model_size
from .target import SIDE, Target, Unusable, checked, default_inputs

FORM: Final = "package.module:Name"


def resolve(text: str, config: str | None = None) -> Target | str:
    """The target that `text` names, or the name of a timm model that its module registered.

    `config` is JSON, or names a factory of a configuration. Raises Unusable.
    """
    named = _import_named(text)
    name = text.partition(":")[2]
    if is_model(name) and model_entrypoint(name) is named:
        if config is not None:
            raise Unusable(f"--config: {text} is a model of timm's registry, and no class of transformers")
        return name
    if _is_class_of_transformers(named):
        return _from_class(text, named, config)
    if isinstance(named, nn.Module):
        raise Unusable(f"{text} is a model that is made already; name its class, or a function that makes it")
    if not callable(named):
        raise Unusable(f"{text} is a {type(named).__name__}, and neither a class nor a function")
    if config is not None:
        raise Unusable(f"--config: {text} is no class of transformers; let the function make the configuration")
    return _from_factory(text, named)


def from_callable(make: Callable[..., Any], inputs: Mapping[str, Any] | Sequence[Any] | None = None) -> Target:
    """The target whose model the function or class `make` makes, as `resolve` has it. Raises Unusable."""
    name = _name_of(make)
    if _is_class_of_transformers(make):
        return _from_class(name, make, None, inputs)
    return _from_factory(name, (lambda: (make(), inputs)) if inputs is not None else make)


def made_once(make: Callable[..., Any]) -> nn.Module:
    """The model that the function or class `make` makes, which is not run. Raises Unusable."""
    name = _name_of(make)
    if _is_class_of_transformers(make):
        kind: Any = make
        model: nn.Module = _made(f"{name} with its default configuration", lambda: kind(kind.config_class()))
        return model
    return _model_and_inputs(name, make)[0]


def from_folder(checkpoint: Checkpoint, state: Mapping[str, Tensor], maker: str | None = None) -> Target:
    """The model of a checkpoint folder in transformers' format; `maker` names its class, or a function.

    Without example inputs on which it runs only the weights are compared. Code in the folder is not run.
    Raises Unusable.
    """
    folder: dict[str, Any] = {"name": checkpoint.name, "folder": checkpoint.folder, "state": state}
    if maker is None:
        kind, config = _class_in_transformers(checkpoint)
        name = kind.__name__
    else:
        kind, name = _import_named(maker), maker
        if not (isinstance(kind, type) and issubclass(kind, PreTrainedModel)):
            target = _from_factory(maker, kind)
            if not isinstance(target.build(), PreTrainedModel):
                raise Unusable(f"{maker}() gives no model of transformers, which alone loads a folder")
            return replace(target, **folder)
        model_class: Any = kind
        configuration = model_class.config_class
        config = _made(f"the configuration of {maker}", lambda: configuration.from_pretrained(checkpoint.folder))
    if maker is None:
        _laid_out(checkpoint, lambda: kind(config))
    model = _made(f"{name} as {checkpoint.folder / CONFIG} says", lambda: kind(config))
    target = Target(name, lambda: kind(config), default_inputs(model))
    try:
        return replace(checked(target, model), **folder)
    except Unusable as error:
        return replace(target, inputs=None, unrun=str(error), **folder)


def _class_in_transformers(checkpoint: Checkpoint) -> tuple[Any, Any]:
    """The class and the configuration of a model that is part of transformers."""
    try:
        config = AutoConfig.from_pretrained(checkpoint.folder, trust_remote_code=False)
        name = (config.architectures or [None])[0]
        kind = getattr(transformers, name, None) if name else _class_of(checkpoint, config)
    except Unusable:
        raise
    except (Exception, SystemExit) as error:
        raise _unknown(checkpoint, one_line(error)) from error
    if not (isinstance(kind, type) and issubclass(kind, PreTrainedModel)):
        raise _unknown(checkpoint, f"{name} is none of its models")
    return kind, config


def _class_of(checkpoint: Checkpoint, config: Any) -> type[nn.Module]:
    """The class of the model of a configuration that names none."""
    return type(_laid_out(checkpoint, lambda: AutoModel.from_config(config)) or AutoModel.from_config(config))


def _laid_out(checkpoint: Checkpoint, build: Callable[[], nn.Module]) -> nn.Module | None:
    """The folder's model without its values, if its constructor needs none. Raises Unusable for one far too large."""
    try:
        return model_size.laid_out(build, checkpoint.bytes)
    except model_size.TooLarge as error:
        where = checkpoint.folder / CONFIG
        raise Unusable(f"{where}: {error}; correct it, or name the class with --class") from error


def _unknown(checkpoint: Checkpoint, reason: str) -> Unusable:
    return Unusable(
        f"{checkpoint.folder}: transformers {transformers.__version__} has no such model ({reason}); "
        "name its class, or a function that returns it and its inputs, with --class"
    )


def as_target(target: Target | str) -> Target:
    """The target itself; for a name in timm's registry, that model as a bare module."""
    if isinstance(target, Target):
        return target
    model = _made(f"timm.create_model({target!r})", lambda: timm.create_model(target, pretrained=False))
    size = model.default_cfg.get("input_size", (3, SIDE, SIDE))
    return checked(
        Target(target, lambda: timm.create_model(target, pretrained=False), {"x": torch.zeros(1, *size)}), model
    )


def _import_named(text: str) -> Any:
    module, colon, name = text.partition(":")
    if not (module and colon and name):
        raise Unusable(f"{text!r} names nothing; a target reads {FORM}")
    try:
        value: Any = importlib.import_module(module)
    except (Exception, SystemExit) as error:
        raise Unusable(f"{module} cannot be imported: {one_line(error)}") from error
    for part in name.split("."):
        try:
            value = getattr(value, part)
        except AttributeError as error:
            raise Unusable(f"{module} has no {name}") from error
        except Exception as error:
            raise Unusable(f"{name} of {module} cannot be had: {one_line(error)}") from error
    return value


def _name_of(make: Callable[..., Any]) -> str:
    return getattr(make, "__qualname__", str(make))


def _is_class_of_transformers(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, PreTrainedModel)


def _from_class(text: str, kind: Any, config: str | None, inputs: Any = None) -> Target:
    def build() -> nn.Module:
        model: nn.Module = kind(configured())
        return model

    def configured() -> Any:
        if config is None:
            return kind.config_class()
        if ":" in config and not config.lstrip().startswith("{"):
            return _import_named(config)()
        return kind.config_class(**json.loads(config))

    model = _made(f"{text} with {config or 'its default configuration'}", build)
    return checked(Target(text, build, default_inputs(model) if inputs is None else _as_arguments(text, inputs)), model)


def _model_and_inputs(text: str, factory: Callable[[], Any]) -> tuple[nn.Module, Any]:
    """The model that a factory gives, and its inputs; None for these where it gives none."""
    result = _made(f"{text}()", factory)
    model, inputs = result if isinstance(result, tuple) and len(result) == 2 else (result, None)  # noqa: PLR2004
    if not isinstance(model, nn.Module):
        raise Unusable(f"{text}() gives a {type(model).__name__}, and no model, nor a model and its inputs")
    return model, inputs


def _from_factory(text: str, factory: Callable[[], Any]) -> Target:
    model, inputs = _model_and_inputs(text, factory)

    def build() -> nn.Module:
        result = factory()
        rebuilt: nn.Module = result[0] if isinstance(result, tuple) else result
        return rebuilt

    return checked(Target(text, build, default_inputs(model) if inputs is None else _as_arguments(text, inputs)), model)


def _made(description: str, build: Callable[[], Any]) -> Any:
    """The result of `build`. Raises Unusable with the description if that fails."""
    try:
        return build()
    except (Exception, SystemExit) as error:
        raise Unusable(f"{description} cannot be made: {one_line(error)}") from error


def _as_arguments(text: str, inputs: Any) -> Mapping[str, Any] | Sequence[Any]:
    if isinstance(inputs, Tensor):
        return (inputs,)
    if isinstance(inputs, Mapping | tuple | list):
        return inputs
    raise Unusable(f"{text}() gives inputs that are a {type(inputs).__name__}; give a tensor, a tuple or a mapping")
