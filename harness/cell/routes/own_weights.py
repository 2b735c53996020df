"""Native timm with the weights that a wrapped classifier has after it was trained."""

import copy
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from ..models.native import Native
from ..models.reference import ReferenceModel
from ..scenarios.context import CaseContext
from .wrapped import PREFIX


def state_of(model: Any) -> dict[str, Tensor]:
    """A copy of the checkpoint of a wrapper's timm module, in float32 on the CPU."""
    state = model.get_submodule(PREFIX).state_dict()
    return {name: tensor.detach().cpu().clone() for name, tensor in state.items()}


def native(context: CaseContext, state: Mapping[str, Tensor]) -> Native:
    """The scenario's native model, with what was trained in this attempt: another one may round otherwise."""
    return context.native(lambda: holding(context.reference, state), anew=True)


def holding(reference: ReferenceModel, state: Mapping[str, Tensor]) -> Native:
    """Native timm with these weights, and its logits."""
    # A copy: the parameters of what the reference creates are those of the checkpoint, which others use.
    module = copy.deepcopy(reference.create(lambda _: {}, **reference.head_arguments).module)
    module.load_state_dict(state)
    return Native(module, lambda: {"logits": module(reference.image)}, state)
