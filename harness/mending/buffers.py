"""Buffers that no checkpoint has: which of a loaded model are not as timm or the model's constructor makes them.

timm 1.0.23 and later, and Gemma3n, compute theirs again in a model that is there. All others are compared with those of
a model that is made anew from its configuration, without its parameters.
"""

import contextlib
import copy
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from unittest import mock

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from ..cell.compare.diagnosis import equal
from ..cell.guards import memory
from ..doctor.key_names import is_timm
from ..remedies import models

CLOSE: Final = 1e-2
"""Of the largest value: a table that was computed in lower precision is as it should be."""
Tensors = Mapping[str, Tensor]


@dataclass(frozen=True)
class Buffers:
    """The names of buffers of a loaded model by what became of them.

    `of_timm` and `own` have other values than they should, and were set to these; `unset` are as uninitialised memory
    is, and nothing says what is to be in them; nor is that said of the `unchecked`.
    """

    of_timm: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    unset: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()


def examine(model: nn.Module, *, own_too: bool, mend: bool) -> Buffers:
    """Find the buffers that are not as they should be; left as they are unless `mend`.

    `own_too` asks for those as well that neither timm nor Gemma3n computes in a model that is there.
    """
    saved = model.state_dict()
    held = {name: buffer for name, buffer in model.named_buffers() if name not in saved and not buffer.is_meta}
    right = _computed(model, held) if held else {}
    others = held.keys() - right.keys() if own_too else set()
    if others:
        right |= _made_anew(model, {name: held[name] for name in others})
    lost = [name for name in held if name in right and not _close(held[name].cpu(), right[name].cpu())]
    if mend:
        set_to(dict(model.named_buffers()), {name: right[name] for name in lost})
    unknown = [name for name in held if name in others and name not in right]
    timm = tuple(f"{name}." if name else "" for name, module in model.named_modules() if is_timm(module))
    of_timm = [name for name in lost if name not in others or name.startswith(timm)]
    return Buffers(
        tuple(of_timm),
        tuple(name for name in lost if name not in of_timm),
        tuple(name for name in unknown if _is_unset(held[name])),
        tuple(name for name in unknown if not _is_unset(held[name])),
    )


def set_to(tensors: Tensors, values: Tensors) -> None:
    """Set tensors in place to the values of the same names."""
    with torch.no_grad():
        for name, value in values.items():
            tensors[name].copy_(value)


def _computed(model: nn.Module, held: Tensors) -> dict[str, Tensor]:
    """What timm and Gemma3n compute for their buffers in this model, which are left as they are."""
    before = _copies(held)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        first = _filled(model, held)
        set_to(dict(model.named_buffers()), {name: _unlike(buffer) for name, buffer in first.items()})
        second = _filled(model, held)
    set_to(dict(model.named_buffers()), before)
    return {name: buffer for name, buffer in first.items() if equal(buffer, second[name])}


def _filled(model: nn.Module, names: Iterable[str]) -> dict[str, Tensor]:
    """Copies of buffers, once those that can be were computed."""
    if any(callable(getattr(module, "init_non_persistent_buffers", None)) for module in model.modules()):
        models.fill_non_persistent_buffers(model, {}, None)
    models.set_gemma3n_audio_buffers(model, {}, None)
    buffers = dict(model.named_buffers())
    return _copies({name: buffers[name] for name in names})


def _made_anew(model: nn.Module, held: Tensors) -> Tensors:
    """What a constructor gives these buffers of the model from its configuration; nothing if it cannot be made.

    It is made again if any differs, and those that differ then too say nothing. What the constructor leaves
    uninitialised may hold anything.
    """
    if not isinstance(model, PreTrainedModel):
        return {}
    kind: Any = type(model)
    try:
        with torch.random.fork_rng(devices=[]), _without_parameters(), memory.poisoned():
            made = dict(kind(copy.deepcopy(model.config)).named_buffers())
            empty = {name: held[name] for name, buffer in made.items() if name in held and _is_unset(buffer)}
            first = _alike(made, held) | empty
            if all(_close(held[name].cpu(), buffer.cpu()) for name, buffer in first.items()):
                return first
            second = _alike(dict(kind(copy.deepcopy(model.config)).named_buffers()), first)
    except Exception:  # noqa: BLE001  a constructor may raise anything
        return {}
    return {name: buffer for name, buffer in second.items() if equal(buffer, first[name])} | empty


def _alike(buffers: Tensors, others: Tensors) -> dict[str, Tensor]:
    """Buffers that have values and the shape of others of their names."""
    return {
        name: buffer
        for name, buffer in buffers.items()
        if name in others and others[name].shape == buffer.shape and not buffer.is_meta and not _is_unset(buffer)
    }


@contextlib.contextmanager
def _without_parameters() -> Iterator[None]:
    """Models that are made meanwhile have their parameters on the meta device, and so take no memory."""
    register = nn.Module.register_parameter

    def on_meta(module: nn.Module, name: str, parameter: Any) -> None:
        if parameter is not None and not parameter.is_meta:
            parameter = nn.Parameter(parameter.detach().to("meta"), requires_grad=parameter.requires_grad)
        register(module, name, parameter)

    with warnings.catch_warnings(), mock.patch.object(nn.Module, "register_parameter", on_meta):
        warnings.simplefilter("ignore")
        yield


def _copies(tensors: Tensors) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in tensors.items()}


def _unlike(tensor: Tensor) -> Tensor:
    """Other values than these."""
    if tensor.is_floating_point() or tensor.is_complex():
        return torch.zeros_like(tensor).masked_fill(~tensor.isnan(), torch.nan)
    return tensor.bitwise_xor(1)


def _is_unset(tensor: Tensor) -> bool:
    """Whether a tensor holds what `memory.poisoned` fills uninitialised memory with."""
    if tensor.numel() == 0 or tensor.dtype == torch.bool or tensor.is_complex():
        return False
    if tensor.is_floating_point():
        return bool(tensor.isnan().all())
    return bool((tensor == torch.iinfo(tensor.dtype).max).all())


def _close(tensor: Tensor, other: Tensor) -> bool:
    """Whether two tables are the same, but for the precision in which they were computed."""
    if tensor.shape != other.shape or not tensor.is_floating_point():
        return equal(tensor, other)
    wide, expected = tensor.to(torch.float64), other.to(torch.float64)
    finite = expected[expected.isfinite()]
    largest = float(finite.abs().max()) if finite.numel() else 0.0
    return bool(torch.allclose(wide, expected, rtol=CLOSE, atol=CLOSE * largest, equal_nan=True))
