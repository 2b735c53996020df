"""A reference model whose checkpoint was rounded to half precision."""

import functools
from typing import Self

import torch
from torch import nn

from .placement import Placement
from .reference import ReferenceModel


class Rounded(ReferenceModel):
    """A reference model with values that float16 has, in float16 or widened to float32."""

    @classmethod
    def of(cls, reference: ReferenceModel, *, keeps: bool) -> Self:
        """The rounded model of a reference model; in a float32 lane it `keeps` float16, and no dtype is asked for."""
        placement, as_stored = reference.placement, reference.placement.is_default and keeps
        if as_stored:
            placement = Placement(placement.device, torch.float16, placement.mapped)
        rounded = cls(reference.entry, reference.size, placement)
        rounded.as_stored = as_stored
        return rounded

    @functools.cached_property
    def filled(self) -> nn.Module:
        """The model that is saved, in float32 with rounded weights."""
        made = ReferenceModel(self.entry, self.size, Placement(self.placement.device, torch.float32))
        round_to_half(made.filled)
        return made.filled


def round_to_half(module: nn.Module) -> None:
    """Round the parameters and persistent buffers of a float32 module to values that float16 has, in place."""
    with torch.no_grad():
        for tensor in module.state_dict(keep_vars=True).values():
            if tensor.is_floating_point():
                tensor.copy_(tensor.half())
