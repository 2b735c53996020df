"""What is said of a checkpoint that does not fit, and what is refused: scenarios of `wrapper`, `tower` and `resume`.

Compared with what is true: each name that the checkpoint lacks or has too many is in the loading report, and in a
warning; `load_state_dict` refuses a state dict that lacks a name, or has one too many.
"""

import functools
from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import Tensor
from transformers import AutoModel

from ..models import weights
from ..models.installed import ALWAYS_LOW_CPU_MEM
from ..scenarios.context import CaseContext
from ..scenarios.holder import Holder
from ..scenarios.protocol import Refused, Reported, Scenario

MORE: Final = "more.weight"
"""A name that no model has."""


def of_wrapper(context: CaseContext, prefix: str) -> Scenario:
    """Load a timm checkpoint that lacks its first tensor and has one too many; `prefix` leads to timm's names."""
    reference = context.reference
    first = next(iter(reference.headless.names))
    with context.during("save"):
        state = {name: tensor for name, tensor in reference.state.items() if name != first}
        folder = reference.write(context.folder / "report", context.variant, {**state, MORE: torch.ones(3)})
    _, info = context.load(AutoModel.from_pretrained, context.mend_folder(folder))
    yield _reported(context, info, f"{prefix}.{first}", f"{prefix}.{MORE}")


def of_holder(context: CaseContext, holder: Holder) -> Scenario:
    """Save a model without its first parameter and with a tensor too many, and load it."""
    with context.during("save"), weights.uninitialised():
        model = holder.build()
    first = next(name for name, _ in model.named_parameters())
    state = {name: tensor for name, tensor in model.state_dict().items() if name != first}
    folder = context.folder / "report"
    context.write(folder, lambda: model.save_pretrained(folder, state_dict={**state, MORE: torch.ones(3)}))
    _, info = context.load(holder.from_pretrained, folder)
    yield _reported(context, info, first, MORE)


def refusing(model: Any, states: Mapping[str, Mapping[str, Tensor]]) -> Scenario:
    """Ask a model to load state dicts, each by its name, that lack a tensor or have one too many."""
    for whose, state in states.items():
        last = [name for name, tensor in state.items() if tensor.is_floating_point()][-1]
        lacking = {name: tensor for name, tensor in state.items() if name != last}
        more = {**state, MORE: torch.ones(3)}
        for what, wrong, name in (("that lacks a name", lacking, last), ("with a name too many", more, MORE)):
            load = functools.partial(model.load_state_dict, wrong)
            yield Refused(f"load_state_dict of {whose} {what}", load, name)


def _reported(context: CaseContext, info: Mapping[str, Any], missing: str, unexpected: str) -> Reported:
    """Before transformers 5 a warning names tensors that are unexpected only in a model of the same class."""
    warned = {missing, *([unexpected] if context.release.transformers >= ALWAYS_LOW_CPU_MEM else [])}
    return Reported(info, frozenset({missing}), frozenset({unexpected}), frozenset(warned))
