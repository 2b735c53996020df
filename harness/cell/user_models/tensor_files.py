"""The tensors of a checkpoint on somebody's disk."""

import pickle
import zipfile
from collections import Counter
from collections.abc import Mapping
from typing import Final

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ...contract.checkpoint import Checkpoint
from .target import Unusable, said

COMPARED: Final = (torch.float32, torch.float16, torch.bfloat16)


def state_of(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """All tensors of the files by the names that they have there, mapped into memory. Raises Unusable."""
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
            raise Unusable(f"{path}: cannot be read: {said(error)}") from error
    if strange := [name for name, one in state.items() if not isinstance(one, Tensor)]:
        raise Unusable(
            f"{checkpoint.folder}: {', '.join(map(str, strange[:2]))} in its weights is no tensor; "
            "of a training state save the state dict alone"
        )
    return state


def dtype_of(state: Mapping[str, Tensor]) -> torch.dtype:
    """The precision that most of the numbers of a checkpoint have; float32 for one in which nothing is compared."""
    counts: Counter[torch.dtype] = Counter()
    for one in state.values():
        if one.dtype in COMPARED:
            counts[one.dtype] += one.numel()
    return counts.most_common(1)[0][0] if counts else torch.float32


def give(module: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Copy into a module what has a tensor of that name and shape there; the rest stays as it is."""
    made = module.state_dict()
    fitting = {name: one for name, one in state.items() if name in made and made[name].shape == one.shape}
    module.load_state_dict(fitting, strict=False)
