"""Where and in what precision a lane computes."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .mapped_tensors import MappedTensors


@dataclass(frozen=True)
class Placement:
    """Where and in what precision a lane computes, and where native weights lie that memory shall not have to hold."""

    device: str
    dtype: torch.dtype
    mapped: MappedTensors | None = None

    @property
    def is_default(self) -> bool:
        """Whether models need no conversion to compute here."""
        return bool(self.dtype == torch.float32)

    def put(self, loaded: Any) -> Any:
        """A loaded model where users of this device put it: nobody moves a model to the CPU that it is on."""
        return (loaded if self.device == "cpu" else loaded.to(self.device)).eval()

    def cast(self, module: Any) -> Any:
        """A module of float32 on the CPU as this lane has it, in eval mode; the one given stays as it is."""
        if self.is_default and self.device == "cpu":
            return module.eval()
        tensors = tensors_of(module)
        converted = self._converted(tensors) if self.mapped is None or self.device != "cpu" else self._kept(tensors)
        # Handed to deepcopy as copied already, weights are converted without a copy in float32.
        copies = {id(tensor): _as(tensor, converted[name]) for name, tensor in tensors.items()}
        return copy.deepcopy(module, copies).to(self.device, self.dtype).eval()

    def _converted(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        return {
            name: tensor.detach().to(self.device, self._dtype(tensor), copy=True) for name, tensor in tensors.items()
        }

    def _kept(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        mapped: Any = self.mapped
        like = {name: tensor.to("meta", self._dtype(tensor)) for name, tensor in tensors.items()}
        kept: Mapping[str, Tensor] = mapped.lend(like, lambda name: tensors[name])
        return kept

    def _dtype(self, tensor: Tensor) -> torch.dtype:
        return self.dtype if tensor.is_floating_point() else tensor.dtype


def _as(tensor: Tensor, copied: Tensor) -> Tensor:
    """A copy that is a parameter where the tensor is one."""
    return nn.Parameter(copied, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else copied


def tensors_of(module: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name, non-persistent buffers included."""
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}
