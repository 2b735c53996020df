"""Finds the models that are the same once slim, so that the result of one is the result of the other."""

import functools
import hashlib
from collections.abc import Hashable, Iterable, Mapping, Set
from dataclasses import fields, is_dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from ...contract.case import SEED
from ...contract.catalog import Entry
from ..models import weights
from ..models.slim import create

MOST: Final = 2**20  # a parameter with more numbers counts by its shape; a slim model's scales have some thousand
DESCRIPTIONS: Final = frozenset({"default_cfg", "pretrained_cfg"})
SOURCES: Final = frozenset(
    {"architecture", "tag", "url", "file", "source", "hf_hub_id", "hf_hub_filename", "input_size"}
    | {"license", "origin_url", "paper_name", "paper_ids", "notes", "description"}
)
"""Fields of timm's description that say where the weights come from; and the input size, which changes once slim."""
TRAINING: Final = frozenset({"drop_prob", "grad_checkpointing"})
"""Attributes that only training uses."""
IGNORED: Final = frozenset(vars(nn.Module())) | DESCRIPTIONS | TRAINING
"""Attributes of a module that do not count, or are described elsewhere."""
PLAIN: Final = (bool, int, float, str, bytes, type(None), torch.dtype, torch.device)


def slim_digest(entry: Entry) -> str:
    """A digest of all that decides the results of a slim model, except its name.

    That is every module in it with its class and attributes, every tensor with its shape and dtype, the constructor's
    values of tensors that are not large (a lost scale is reset to them), the input, the arguments that make it slim,
    timm's description of the model, and the traits that select scenarios.
    """
    torch.manual_seed(SEED)  # models that draw the same random numbers get the same values
    with weights.cheap_randomness(MOST):
        module = create(entry.model, entry.slim.args)
    parameters = [(name, _content(tensor, MOST)) for name, tensor in module.named_parameters()]
    buffers = [(name, _content(tensor)) for name, tensor in module.named_buffers()]
    description = {name: value for name, value in module.default_cfg.items() if name not in SOURCES}
    facts = (
        [(name, type(part), _plain(_without(vars(part), IGNORED))) for name, part in module.named_modules()],
        [parameters, buffers, list(module.state_dict())],
        _plain(description),
        (entry.kind, entry.slim.input_size, entry.slim.creatable, _plain(entry.slim.args)),
    )
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _content(tensor: Tensor, most: int | None = None) -> Hashable:
    """Shape, dtype, and a digest of the values unless they are more than `most`, or on the meta device."""
    shape = (tuple(tensor.shape), str(tensor.dtype))
    if tensor.is_meta or (most is not None and tensor.numel() > most):
        return shape
    content = tensor.detach().contiguous().view(-1).view(torch.uint8).numpy().tobytes()
    return (*shape, hashlib.sha256(content).hexdigest())


def _without(named: Mapping[str, Any], names: Set[str]) -> dict[str, Any]:
    return {name: value for name, value in named.items() if name not in names}


def _plain(value: Any) -> Hashable:
    """A value that prints alike in any process; an object that has none counts by its name or type."""
    if isinstance(value, PLAIN):
        return value
    if isinstance(value, Tensor):
        return _content(value)
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
