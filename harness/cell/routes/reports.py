"""What is said of a checkpoint that does not fit, and what is refused: scenarios of `wrapper`, `tower` and `resume`.

Compared with what is true: each name that the checkpoint lacks or has too many is in the loading report, and in a
warning; `load_state_dict` refuses a state dict that lacks a name, or has one too many.
"""

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor
from transformers import AutoModel

from ..models import weights
from ..models.installed import ALWAYS_LOW_CPU_MEM
from ..models.placement import tensors_of
from ..scenarios.context import CaseContext
from ..scenarios.holder import Holder
from ..scenarios.protocol import Described, Refused, Reported, Scenario

SHAPE: Final = "from_pretrained of a checkpoint with another shape"
MORE: Final = "more.weight"
"""A name that no model has."""


def of_wrapper(context: CaseContext, prefix: str) -> Scenario:
    """Load a timm checkpoint that lacks its first tensor and has one too many; `prefix` leads to timm's names."""
    reference = context.reference
    first = next(iter(reference.headless.names))
    with context.during("save"):
        state = {name: tensor for name, tensor in reference.state.items() if name != first}
        equal = _equalised(state, reference.headless.names)
        folder = reference.write(context.folder / "report", context.variant, {**state, MORE: torch.ones(3)})
    model, info = context.load(AutoModel.from_pretrained, context.mend_folder(folder))
    equal = tuple(f"{prefix}.{name}" for name in equal)
    yield _reported(context, info, f"{prefix}.{first}", f"{prefix}.{MORE}")
    yield _apart(model, equal)
    with context.during("save"):
        cut = {**reference.state, first: reference.state[first][..., :-1]}
        other = context.mend_folder(reference.write(context.folder / "shape", context.variant, cut))
    yield Refused(SHAPE, functools.partial(AutoModel.from_pretrained, other), first)


def of_holder(context: CaseContext, holder: Holder) -> Scenario:
    """Save a model without its first parameter and with a tensor too many, and load it."""
    with context.during("save"), weights.uninitialised():
        model = holder.build()
    first = next(name for name, _ in model.named_parameters())
    state = {name: tensor for name, tensor in model.state_dict().items() if name != first}
    equal = _equalised(state, state)
    folder = context.folder / "report"
    context.write(folder, lambda: model.save_pretrained(folder, state_dict={**state, MORE: torch.ones(3)}))
    model, info = context.load(holder.from_pretrained, folder)
    yield _reported(context, info, first, MORE)
    yield _apart(model, equal)


def _equalised(state: dict[str, Tensor], names: Iterable[str]) -> tuple[str, ...]:
    """Give two floating tensors of one shape, if any of these names are, the same values; return their names."""
    first: dict[tuple[int, ...], str] = {}
    for name in names:
        tensor = state.get(name)
        if tensor is None or not tensor.is_floating_point() or not tensor.numel():
            continue
        other = first.setdefault(tuple(tensor.shape), name)
        if other != name and tensor.data_ptr() != state[other].data_ptr():
            state[name] = state[other].clone()
            return other, name
    return ()


def _apart(model: Any, names: Sequence[str]) -> Described:
    """Tensors of equal values must not become one."""
    memories = {tensors_of(model)[name].data_ptr() for name in names}
    share = {"share their memory": len(memories) < len(names)}
    return Described(f"equal tensors {' and '.join(names)}", share, {"share their memory": False})


def refusing(model: Any, states: Mapping[str, Mapping[str, Tensor]]) -> Scenario:
    """Ask a model to load state dicts, each by its name, that lack a tensor or have one too many."""
    for whose, state in states.items():
        last = [name for name, tensor in state.items() if tensor.is_floating_point()][-1]
        lacking = {name: tensor for name, tensor in state.items() if name != last}
        more, other = {**state, MORE: torch.ones(3)}, {**state, last: state[last][..., :-1]}
        for what, wrong, name in (
            ("that lacks a name", lacking, last),
            ("with a name too many", more, MORE),
            ("with another shape", other, last),
        ):
            load = functools.partial(model.load_state_dict, wrong)
            yield Refused(f"load_state_dict of {whose} {what}", load, name)


def _reported(context: CaseContext, info: Mapping[str, Any], missing: str, unexpected: str) -> Reported:
    """Before transformers 5 a warning names tensors that are unexpected only in a model of the same class."""
    warned = {missing, *([unexpected] if context.release.transformers >= ALWAYS_LOW_CPU_MEM else [])}
    return Reported(info, frozenset({missing}), frozenset({unexpected}), frozenset(warned))
