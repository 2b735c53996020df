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
    """Two runs of the same model on the same input, without gradients. Each runs when it is first read."""

    run: Callable[[], Outputs]
    run_again: Callable[[], Outputs]

    @classmethod
    def of(cls, run: Callable[[], Outputs]) -> "Runs":
        """Run the same function twice."""
        return cls(run, run)

    @functools.cached_property
    def first(self) -> Outputs:
        """The outputs of the first run."""
        with torch.no_grad():
            return self.run()

    @functools.cached_property
    def second(self) -> Outputs:
        """The outputs of the second run, whose distance from the first is noise."""
        with torch.no_grad():
            return self.run_again()


@dataclass(frozen=True, eq=False)
class Native:
    """A timm model with telling weights in its lane's placement, in eval mode; `run` runs it as timm's users do.

    `state` is its checkpoint: the same weights in float32 on the CPU, by the model's own names.
    """

    module: Any
    run: Callable[[], Outputs]
    state: Mapping[str, Tensor]

    @functools.cached_property
    def names(self) -> list[str]:
        """The names that timm gives the tensors of a checkpoint."""
        return list(self.module.state_dict())

    @functools.cached_property
    def tensors(self) -> dict[str, Tensor]:
        """Parameters and buffers by name, non-persistent buffers included."""
        return tensors_of(self.module)

    @functools.cached_property
    def runs(self) -> Runs:
        """Its outputs, computed twice."""
        return Runs.of(self.run)


def numbered(maps: Any) -> Outputs:
    """Feature maps by name: `feature_maps.0` and on."""
    return {f"feature_maps.{index}": tensor for index, tensor in enumerate(maps)}
