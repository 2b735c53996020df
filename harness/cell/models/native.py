"""A timm model as its users run it, and what it computes."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .placement import tensors_of

Outputs = Mapping[str, Tensor]


@dataclass(frozen=True, eq=False)
class Runs:
    """Two runs of the same model on the same input, without gradients; the second only where somebody asks for it."""

    run: Callable[[], Outputs]
    run_again: Callable[[], Outputs]

    @classmethod
    def of(cls, run: Callable[[], Outputs]) -> "Runs":
        """The same twice."""
        return cls(run, run)

    @functools.cached_property
    def first(self) -> Outputs:
        """The outputs."""
        with torch.no_grad():
            return self.run()

    @functools.cached_property
    def second(self) -> Outputs:
        """The same outputs computed once more: how far they lie from the first is noise."""
        with torch.no_grad():
            return self.run_again()


@dataclass(frozen=True, eq=False)
class Native:
    """A timm model with telling weights where its lane computes, in eval mode, and how timm's users run it.

    `state` is its checkpoint: the same weights in float32 on the CPU, by the model's own names.
    """

    module: Any
    run: Callable[[], Outputs]
    state: Mapping[str, Tensor]

    @functools.cached_property
    def names(self) -> list[str]:
        """What timm calls the tensors of a checkpoint."""
        return list(self.module.state_dict())

    @functools.cached_property
    def tensors(self) -> dict[str, Tensor]:
        """Parameters and buffers by name, those that no checkpoint holds included."""
        return tensors_of(self.module)

    @functools.cached_property
    def runs(self) -> Runs:
        """What it computes."""
        return Runs.of(self.run)


def numbered(maps: Any) -> Outputs:
    """Feature maps by name: `feature_maps.0` and on."""
    return {f"feature_maps.{index}": tensor for index, tensor in enumerate(maps)}
