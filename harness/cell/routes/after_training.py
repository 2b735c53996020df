"""Steps of training, and native timm with the weights that a wrapped classifier has after them."""

import contextlib
import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...contract.case import SEED
from ..guards import generators
from ..models import weights
from ..models.native import Native
from ..models.reference import ReferenceModel
from ..scenarios.context import CaseContext
from .wrapped import PREFIX

RATE: Final = 0.01
LABELS: Final = (1, 3)
"""The labels of the two pictures."""


@contextlib.contextmanager
def alike(device: str) -> Iterator[None]:
    """With gradients, and in one thread: several add up a gradient in another order each time.

    The generators are put back, which those who train seed on purpose.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.enable_grad(), generators.kept([] if device == "cpu" else [0]):
            yield
    finally:
        torch.set_num_threads(threads)


def steps(module: nn.Module, logits: Callable[[], Tensor], device: str, count: int = 1) -> list[float]:
    """Train a module, which gives these logits of two pictures, by steps of plain SGD; the loss before each.

    It is in evaluation mode afterwards, without gradients. Each step is seeded, for models that drop something.
    """
    optimizer = torch.optim.SGD(module.parameters(), lr=RATE)
    labels, losses = torch.tensor(LABELS, device=device), []
    module.train()
    for step in range(count):
        with alike(device):
            weights.seed_torch(SEED + step)
            loss = functional.cross_entropy(logits(), labels)
            loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    module.eval()
    return losses


def state_of(model: Any) -> dict[str, Tensor]:
    """A copy of the checkpoint of a wrapper's timm module, on the CPU."""
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
