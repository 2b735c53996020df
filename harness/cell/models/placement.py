"""The device and dtype of a lane, and how models get there."""

import copy
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .mapped_tensors import MappedTensors


@dataclass(frozen=True)
class Placement:
    """The device and dtype in which a lane computes. With `mapped`, native weights are mapped from files."""

    device: str
    dtype: torch.dtype
    mapped: MappedTensors | None = None

    @property
    def is_default(self) -> bool:
        """Whether a model computes in float32, so that it needs no conversion."""
        return bool(self.dtype == torch.float32)

    def put(self, loaded: Any) -> Any:
        """Move a loaded model to the device as users do, in eval mode; on the CPU it is left as it was loaded."""
        return (loaded if self.device == "cpu" else loaded.to(self.device)).eval()

    def cast(self, module: Any) -> Any:
        """Convert a float32 module on the CPU to this placement, in eval mode; a copy, unless it is there already."""
        if self.is_default and self.device == "cpu":
            return module.eval()
        tensors = tensors_of(module)
        converted = self._converted(tensors) if self.mapped is None or self.device != "cpu" else self._mapped(tensors)
        # deepcopy takes these for copied already, so it makes no float32 copy of the weights.
        copies = {id(tensor): _like(tensor, converted[name]) for name, tensor in tensors.items()}
        return copy.deepcopy(module, copies).to(self.device, self.dtype).eval()

    def _converted(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        return {
            name: tensor.detach().to(self.device, self._dtype(tensor), copy=True) for name, tensor in tensors.items()
        }

    def _mapped(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        files: Any = self.mapped
        like = {name: tensor.to("meta", self._dtype(tensor)) for name, tensor in tensors.items()}
        mapped: Mapping[str, Tensor] = files.store_unlinked(like, lambda name: tensors[name])
        return mapped

    def _dtype(self, tensor: Tensor) -> torch.dtype:
        return self.dtype if tensor.is_floating_point() else tensor.dtype


def _like(tensor: Tensor, converted: Tensor) -> Tensor:
    """`converted`, as a parameter if `tensor` is one."""
    return nn.Parameter(converted, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else converted


def tensors_of(module: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name, non-persistent buffers included; a shared tensor has each of its names."""
    both = (module.named_parameters(remove_duplicate=False), module.named_buffers(remove_duplicate=False))
    return dict(itertools.chain(*both))
