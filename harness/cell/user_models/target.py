"""A model of somebody's own: what they name, found and made. Nothing of theirs is executed but what they named."""

import importlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import timm
import torch
import transformers
from timm.models import is_model, model_entrypoint
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PreTrainedModel

from ...contract.catalog import BERT, Entry
from ...contract.checkpoint import CONFIG, Checkpoint
from ...contract.routes import OWN
from ..models.catalog_builder import traits_of
from ..models.native import Outputs

FORM: Final = "package.module:Name"
PIXELS: Final = "pixel_values"
SIDE: Final = 224
TOKENS: Final = ((1, 2, 3, 4),)
ALIKE: Final = 1e-4  # how far two runs of one model may be apart


class Unusable(Exception):
    """A target that cannot be tried: what was tried, and what it came to."""


@dataclass(frozen=True, eq=False)
class Target:
    """A model that can be made again and again, and what it is run on: keyword arguments, or positional ones.

    Without inputs it is not run, and `unrun` says why.
    """

    name: str
    build: Callable[[], nn.Module]
    inputs: Mapping[str, Any] | Sequence[Any] | None
    unrun: str = ""
    kept: Path | None = None
    """The folder of its checkpoint, where it is that which is tried."""
    state: Mapping[str, Tensor] = field(default_factory=dict)
    """What the files of that folder hold."""

    def run(self, model: Any) -> Outputs:
        """Every tensor that comes out, by name; none where it is not run."""
        if self.inputs is None:
            return {}
        out = model(**self.inputs) if isinstance(self.inputs, Mapping) else model(*self.inputs)
        return dict(_tensors(out, "output"))

    def entry(self, model: nn.Module) -> Entry:
        """The traits of the model, by which rules are chosen."""
        return replace(BERT, model=self.name, family=OWN, **traits_of(model))


def find(text: str, config: str | None = None) -> Target | str:
    """What a text names: a model of one's own, or the name of a timm model that its module registered.

    `config` is JSON, or names a factory of a configuration. Raises Unusable.
    """
    named = _named(text)
    name = text.partition(":")[2]
    if is_model(name) and model_entrypoint(name) is named:
        if config is not None:
            raise Unusable(f"--config: {text} is a model of timm's registry, and no class of transformers")
        return name
    if isinstance(named, type) and issubclass(named, PreTrainedModel):
        return _of_class(text, named, config)
    if isinstance(named, nn.Module):
        raise Unusable(f"{text} is a model that is made already; name its class, or a function that makes it")
    if not callable(named):
        raise Unusable(f"{text} is a {type(named).__name__}, and neither a class nor a function")
    if config is not None:
        raise Unusable(f"--config: {text} is no class of transformers; let the function make the configuration")
    return _of_factory(text, named)


def of(make: Callable[[], Any], inputs: Mapping[str, Any] | Sequence[Any] | None = None) -> Target:
    """What a function or class makes, as a target. Raises Unusable."""
    given = (lambda: (make(), inputs)) if inputs is not None else make
    return _of_factory(getattr(make, "__qualname__", str(make)), given)


def of_folder(checkpoint: Checkpoint, state: Mapping[str, Tensor], maker: str | None = None) -> Target:
    """The model of a checkpoint folder in transformers' format; `maker` names its class, or a function.

    One of which nobody says on what it runs is not run. Raises Unusable. Code that lies in the folder is not run.
    """
    kept: dict[str, Any] = {"name": checkpoint.name, "kept": checkpoint.folder, "state": state}
    if maker is None:
        kind, config = _of_transformers(checkpoint)
        name = kind.__name__
    else:
        kind, name = _named(maker), maker
        if not (isinstance(kind, type) and issubclass(kind, PreTrainedModel)):
            made = _of_factory(maker, kind)
            if not isinstance(made.build(), PreTrainedModel):
                raise Unusable(f"{maker}() gives no model of transformers, which alone loads a folder")
            return replace(made, **kept)
        described: Any = kind
        configuration = described.config_class
        config = _made(f"the configuration of {maker}", lambda: configuration.from_pretrained(checkpoint.folder))
    model = _made(f"{name} as {checkpoint.folder / CONFIG} says", lambda: kind(config))
    found = Target(name, lambda: kind(config), _inputs(model))
    try:
        return replace(_tried(found, model), **kept)
    except Unusable as error:
        return replace(found, inputs=None, unrun=str(error), **kept)


def _of_transformers(checkpoint: Checkpoint) -> tuple[Any, Any]:
    """The class and the configuration of a model that transformers itself has."""
    try:
        config = AutoConfig.from_pretrained(checkpoint.folder, trust_remote_code=False)
        named = (config.architectures or [None])[0]
        kind = getattr(transformers, named, None) if named else type(AutoModel.from_config(config))
    except (Exception, SystemExit) as error:
        raise _unknown(checkpoint, said(error)) from error
    if not (isinstance(kind, type) and issubclass(kind, PreTrainedModel)):
        raise _unknown(checkpoint, f"{named} is none of its models")
    return kind, config


def _unknown(checkpoint: Checkpoint, why: str) -> Unusable:
    return Unusable(
        f"{checkpoint.folder}: transformers {transformers.__version__} has no such model ({why}); "
        "name its class, or a function that returns it and its inputs, with --class"
    )


def module_of(found: Target | str) -> Target:
    """A model by its name in timm's registry as a module that a model of one's own holds."""
    if isinstance(found, Target):
        return found
    model = _made(f"timm.create_model({found!r})", lambda: timm.create_model(found, pretrained=False))
    size = model.default_cfg.get("input_size", (3, SIDE, SIDE))
    return _tried(
        Target(found, lambda: timm.create_model(found, pretrained=False), {"x": torch.zeros(1, *size)}), model
    )


def _named(text: str) -> Any:
    module, colon, name = text.partition(":")
    if not (module and colon and name):
        raise Unusable(f"{text!r} names nothing; a target reads {FORM}")
    try:
        found: Any = importlib.import_module(module)
    except (Exception, SystemExit) as error:
        raise Unusable(f"{module} cannot be imported: {said(error)}") from error
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            raise Unusable(f"{module} has no {name}") from error
        except Exception as error:
            raise Unusable(f"{name} of {module} cannot be had: {said(error)}") from error
    return found


def _of_class(text: str, kind: type[PreTrainedModel], config: str | None) -> Target:
    def build() -> nn.Module:
        model: nn.Module = kind(configured())
        return model

    def configured() -> Any:
        if config is None:
            return kind.config_class()
        if ":" in config and not config.lstrip().startswith("{"):
            return _named(config)()
        return kind.config_class(**json.loads(config))

    model = _made(f"{text} with {config or 'its default configuration'}", build)
    return _tried(Target(text, build, _inputs(model)), model)


def _of_factory(text: str, factory: Callable[[], Any]) -> Target:
    made = _made(f"{text}()", factory)
    model, inputs = made if isinstance(made, tuple) and len(made) == 2 else (made, None)  # noqa: PLR2004
    if not isinstance(model, nn.Module):
        raise Unusable(f"{text}() gives a {type(model).__name__}, and no model, nor a model and its inputs")

    def build() -> nn.Module:
        again = factory()
        rebuilt: nn.Module = again[0] if isinstance(again, tuple) else again
        return rebuilt

    return _tried(Target(text, build, _inputs(model) if inputs is None else _arguments(text, inputs)), model)


def _made(what: str, build: Callable[[], Any]) -> Any:
    try:
        return build()
    except (Exception, SystemExit) as error:
        raise Unusable(f"{what} cannot be made: {said(error)}") from error


def _arguments(text: str, inputs: Any) -> Mapping[str, Any] | Sequence[Any]:
    if isinstance(inputs, Tensor):
        return (inputs,)
    if isinstance(inputs, Mapping | tuple | list):
        return inputs
    raise Unusable(f"{text}() gives inputs that are a {type(inputs).__name__}; give a tensor, a tuple or a mapping")


def _inputs(model: Any) -> Mapping[str, Any]:
    """What a model is run on where nobody says: a picture, or a few tokens."""
    if getattr(model, "main_input_name", PIXELS) != PIXELS:
        return {model.main_input_name: torch.tensor(TOKENS)}
    config = getattr(model, "config", None)
    side = getattr(config, "image_size", SIDE)
    side = side if isinstance(side, int) else SIDE
    generator = torch.Generator().manual_seed(0)
    picture = torch.empty(1, getattr(config, "num_channels", 3), side, side).uniform_(-2, 2, generator=generator)
    return {PIXELS: picture} if isinstance(model, PreTrainedModel) else {"x": picture}


def _tried(target: Target, model: nn.Module) -> Target:
    """The target, once it has been run: what it gives must be tensors."""
    if any(one.is_floating_point() and one.dtype != torch.float32 for one in model.parameters()):
        raise Unusable(f"{target.name} is in half precision; make it in float32, in which it is compared")
    try:
        with torch.no_grad():
            outputs, again = target.run(model.eval()), target.run(model)
    except (Exception, SystemExit) as error:
        raise Unusable(
            f"{target.name} cannot be run on {_described(target.inputs)}: {said(error)}; "
            "name a function that returns the model and its inputs"
        ) from error
    if not outputs:
        raise Unusable(f"{target.name} gives no tensor")
    for name, tensor in outputs.items():
        if not bool(tensor.isfinite().all()):
            raise Unusable(f"{target.name} gives numbers that are not finite, as {name}; nothing can be compared")
        if not torch.allclose(tensor.double(), again[name].double(), rtol=ALIKE, atol=ALIKE):
            raise Unusable(f"{target.name} gives another {name} each time that it is run; seed it in its forward")
    return target


def _described(inputs: Mapping[str, Any] | Sequence[Any] | None) -> str:
    if inputs is None:
        return "nothing"
    pairs = inputs.items() if isinstance(inputs, Mapping) else enumerate(inputs)
    return ", ".join(f"{name} of shape {tuple(getattr(value, 'shape', ()))}" for name, value in pairs)


def _tensors(value: Any, name: str) -> Iterator[tuple[str, Tensor]]:
    """Tensors inside a tensor, a mapping or a sequence, by the way to them."""
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _tensors(item, str(key) if name == "output" else f"{name}.{key}")
    elif isinstance(value, list | tuple):
        for placement, item in enumerate(value):
            yield from _tensors(item, f"{name}.{placement}")


def said(error: BaseException) -> str:
    """An exception on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
