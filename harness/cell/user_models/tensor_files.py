"""The tensors in the files of a user's checkpoint."""

import pickle
import zipfile
from collections import Counter
from collections.abc import Mapping
from typing import Final

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ...contract.checkpoint import Checkpoint
from ...contract.finding import one_line
from .target import Unusable

COMPARED: Final = (torch.float32, torch.float16, torch.bfloat16)


def state_of(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """All tensors of the files by their names there, mapped into memory. Raises Unusable."""
    state: dict[str, Tensor] = {}
    for path in checkpoint.files:
        try:
            if path.suffix == ".safetensors":
                with safe_open(path, framework="pt") as file:
                    state |= {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  no mapping
            else:
                mapped = zipfile.is_zipfile(path)  # torch before 1.6 wrote another format, which cannot be mapped
                state |= torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
        except (
            OSError,
            SafetensorError,
            RuntimeError,
            ValueError,
            TypeError,
            EOFError,
            pickle.UnpicklingError,
        ) as error:
            raise Unusable(f"{path}: cannot be read: {one_line(error)}") from error
    if strange := [name for name, value in state.items() if not isinstance(value, Tensor)]:
        raise Unusable(
            f"{checkpoint.folder}: {', '.join(map(str, strange[:2]))} in its weights is no tensor; "
            "of a training state save the state dict alone"
        )
    return state


def dtype_of(state: Mapping[str, Tensor]) -> torch.dtype:
    """The precision of most numbers of a checkpoint; float32 if no tensor has a compared precision."""
    counts: Counter[torch.dtype] = Counter()
    for tensor in state.values():
        if tensor.dtype in COMPARED:
            counts[tensor.dtype] += tensor.numel()
    return counts.most_common(1)[0][0] if counts else torch.float32


def copy_into(module: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Copy into a module the tensors whose name and shape it has; all others are ignored."""
    current = module.state_dict()
    fitting = {
        name: tensor for name, tensor in state.items() if name in current and current[name].shape == tensor.shape
    }
    module.load_state_dict(fitting, strict=False)
