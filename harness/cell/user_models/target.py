"""A user model that can be built again and again, and the inputs on which it runs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from ...contract import finding
from ...contract.catalog import BERT, Entry
from ...contract.finding import one_line
from ...contract.routes import OWN
from ..catalog.traits import traits_of
from ..models.native import Outputs

PIXELS: Final = "pixel_values"
SIDE: Final = 224
TOKENS: Final = ((1, 2, 3, 4),)
ALIKE: Final = 1e-4  # how far two runs of one model may be apart


class Unusable(Exception):
    """A target that cannot be tested; the message says why."""

    def __init__(self, message: str) -> None:
        """`message` may repeat what somebody else wrote; nothing in it moves a cursor."""
        super().__init__(finding.message(message))


@dataclass(frozen=True, eq=False)
class Target:
    """A model that `build` makes anew each time, and its inputs: keyword arguments or positional ones.

    Without inputs it is not run, and `unrun` says why.
    """

    name: str
    build: Callable[[], nn.Module]
    inputs: Mapping[str, Any] | Sequence[Any] | None
    unrun: str = ""
    folder: Path | None = None
    """The checkpoint folder that is tested, if the user named one."""
    state: Mapping[str, Tensor] = field(default_factory=dict)
    """The tensors in the files of that folder."""

    def run(self, model: Any) -> Outputs:
        """Run the model: its output tensors by name; none without inputs."""
        if self.inputs is None:
            return {}
        output = model(**self.inputs) if isinstance(self.inputs, Mapping) else model(*self.inputs)
        return dict(_tensors_in(output, "output"))

    def entry(self, model: nn.Module) -> Entry:
        """The catalog entry of the model, with the traits that rules ask for."""
        return replace(BERT, model=self.name, family=OWN, **traits_of(model))


def default_inputs(model: Any) -> Mapping[str, Any]:
    """Inputs for a model whose user names none: a picture, or a few tokens."""
    if getattr(model, "main_input_name", PIXELS) != PIXELS:
        return {model.main_input_name: torch.tensor(TOKENS)}
    config = getattr(model, "config", None)
    side = getattr(config, "image_size", SIDE)
    side = side if isinstance(side, int) else SIDE
    generator = torch.Generator().manual_seed(0)
    picture = torch.empty(1, getattr(config, "num_channels", 3), side, side).uniform_(-2, 2, generator=generator)
    return {PIXELS: picture} if isinstance(model, PreTrainedModel) else {"x": picture}


def checked(target: Target, model: nn.Module) -> Target:
    """Run the target twice and return it. Raises Unusable unless its outputs are finite tensors that repeat."""
    if any(parameter.is_floating_point() and parameter.dtype != torch.float32 for parameter in model.parameters()):
        raise Unusable(f"{target.name} is in half precision; make it in float32, in which it is compared")
    try:
        with torch.no_grad():
            outputs, again = target.run(model.eval()), target.run(model)
    except (Exception, SystemExit) as error:
        raise Unusable(
            f"{target.name} cannot be run on {_shapes_of(target.inputs)}: {one_line(error)}; "
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


def _shapes_of(inputs: Mapping[str, Any] | Sequence[Any] | None) -> str:
    if inputs is None:
        return "nothing"
    pairs = inputs.items() if isinstance(inputs, Mapping) else enumerate(inputs)
    return ", ".join(f"{name} of shape {tuple(getattr(value, 'shape', ()))}" for name, value in pairs)


def _tensors_in(value: Any, name: str) -> Iterator[tuple[str, Tensor]]:
    """Tensors inside a tensor, a mapping or a sequence, named by their keys and indices."""
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _tensors_in(item, str(key) if name == "output" else f"{name}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _tensors_in(item, f"{name}.{index}")
