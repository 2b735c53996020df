"""Which models are the same once slim, so that what comes of one is what comes of the other."""

import functools
import hashlib
from collections.abc import Hashable, Iterable, Mapping, Set
from dataclasses import fields, is_dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from ...contract.case import SEED
from ...contract.catalog import Entry
from . import weights
from .cutting import create

MOST: Final = 2**20  # numbers of a parameter whose values are looked at; the scales of a slim model have some thousand
DESCRIPTIONS: Final = frozenset({"default_cfg", "pretrained_cfg"})
SOURCES: Final = frozenset(
    {"architecture", "tag", "url", "file", "source", "hf_hub_id", "hf_hub_filename", "input_size"}
    | {"license", "origin_url", "paper_name", "paper_ids", "notes", "description"}
)
"""Of a description of timm's, whose weights these are and where they lie; and the input, which is another once slim."""
TRAINING: Final = frozenset({"drop_prob", "grad_checkpointing"})
"""What only training sees."""
BESIDE: Final = frozenset(vars(nn.Module())) | DESCRIPTIONS | TRAINING
"""The attributes of a module that are not looked at as such."""
PLAIN: Final = (bool, int, float, str, bytes, type(None), torch.dtype, torch.device)


def likeness(entry: Entry) -> str:
    """A digest of all that decides what comes of a model once slim, but for its name.

    That is every module in it with its class and attributes, every tensor with its shape and dtype, the values of those
    that are not large as the constructor makes them (a lost scale is set to them again), the input, the arguments that
    make it slim, what timm says of the model, and the traits that choose ways to go.
    """
    torch.manual_seed(SEED)  # what is random is so alike in models that draw alike
    with weights.cheap_randomness(MOST):
        module = create(entry.model, entry.slim.args)
    parameters = [(name, _shown(tensor, MOST)) for name, tensor in module.named_parameters()]
    buffers = [(name, _shown(tensor)) for name, tensor in module.named_buffers()]
    described = {name: value for name, value in module.default_cfg.items() if name not in SOURCES}
    facts = (
        [(name, type(part), _plain(_without(vars(part), BESIDE))) for name, part in module.named_modules()],
        [parameters, buffers, list(module.state_dict())],
        _plain(described),
        (entry.kind, entry.slim.input_size, entry.slim.creatable, _plain(entry.slim.args)),
    )
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _shown(tensor: Tensor, most: int | None = None) -> Hashable:
    """Shape, dtype, and a digest of the values unless there are too many, or none."""
    shape = (tuple(tensor.shape), str(tensor.dtype))
    if tensor.is_meta or (most is not None and tensor.numel() > most):
        return shape
    content = tensor.detach().contiguous().view(-1).view(torch.uint8).numpy().tobytes()
    return (*shape, hashlib.sha256(content).hexdigest())


def _without(named: Mapping[str, Any], names: Set[str]) -> dict[str, Any]:
    return {name: value for name, value in named.items() if name not in names}


def _plain(value: Any) -> Hashable:
    """What prints the same for the same value in any process; what has no plain value counts by its name or type."""
    if isinstance(value, PLAIN):
        return value
    if isinstance(value, Tensor):
        return _shown(value)
    parts = _parts(value)
    return getattr(value, "__qualname__", type(value).__qualname__) if parts is None else tuple(map(_plain, parts))


def _parts(value: Any) -> Iterable[Any] | None:
    match value:
        case list() | tuple():
            return value
        case set() | frozenset():
            return sorted(value, key=repr)
        case Mapping():
            return sorted(value.items(), key=lambda item: str(item[0]))
        case functools.partial():
            return (value.func, value.args, value.keywords)
    if is_dataclass(value) and not isinstance(value, type):
        return [(field.name, getattr(value, field.name)) for field in fields(value)]
    return None
