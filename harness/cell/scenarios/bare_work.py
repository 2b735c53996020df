"""The bare work of a load: build a timm model without values, and give it the tensors of its checkpoint."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

import timm
from torch import Tensor, nn

from ...contract.catalog import BERT
from ..guards.cost import Cost, measured
from ..models import weights
from ..models.mapped_tensors import size_of
from ..models.reference import ReferenceModel

MIB: Final = 2**20


class BareWork(NamedTuple):
    """What the bare work costs, and the MiB of the checkpoint that it leaves mapped."""

    cost: Cost
    mapped: float


_MEASURED: Final[WeakKeyDictionary[ReferenceModel, BareWork]] = WeakKeyDictionary()


def has_measure(reference: Any) -> bool:
    """Whether there is bare work of a reference model to compare a load with.

    Left out are user models; full size, where memory may not hold a second load; weights of the hub; a GPU; and half
    precision, in which timm's constructor draws its first values several times slower on some CPUs, and bare work none.
    """
    is_timm = type(reference) is ReferenceModel and reference.entry.model != BERT.model
    placement = reference.placement
    return is_timm and reference.size.is_cut and placement.device == "cpu" and placement.is_default


def of(reference: ReferenceModel, *, maps: bool) -> BareWork:
    """The bare work of a reference model, measured once. `maps`: the release leaves tensors mapped from their file."""
    if reference not in _MEASURED:
        _MEASURED[reference] = _measure(reference, shared=maps)
    return _MEASURED[reference]


def _measure(reference: ReferenceModel, *, shared: bool) -> BareWork:
    """Tensors that stay mapped are shared with the reference model; others are copied."""
    state = reference.state
    _, cost = measured(
        lambda: _built(reference, state if shared else {name: tensor.clone() for name, tensor in state.items()})
    )
    return BareWork(cost, size_of(state) / MIB if shared else 0.0)


def _built(reference: ReferenceModel, state: Mapping[str, Tensor]) -> nn.Module:
    with weights.uninitialised():
        module: nn.Module = timm.create_model(reference.architecture, pretrained=False, **reference.head_arguments)
    # Without its metadata, in which torch would note `assign`, and assign on each later load of this state.
    module.load_state_dict(dict(state), assign=True)
    return module
