"""The tensors in the files of a user's checkpoint."""

import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import safe_open
from torch import Tensor, nn

from ...contract.checkpoint import Checkpoint
from ...contract.finding import one_line
from .target import Unusable

MORE_THAN_WEIGHTS: Final = (
    "it is no file of weights, or holds more than weights, which would be executed; ask for a model.safetensors"
)
COMPARED: Final = (torch.float32, torch.float16, torch.bfloat16)


def state_of(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """All tensors of the files by their names there, mapped into memory. Raises Unusable."""
    state: dict[str, Tensor] = {}
    for path in checkpoint.files:
        try:
            _refuse_packed(path)
            if path.suffix == ".safetensors":
                with safe_open(path, framework="pt") as file:
                    state |= {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  no mapping
            else:
                mapped = zipfile.is_zipfile(path)  # torch before 1.6 wrote another format, which cannot be mapped
                state |= torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
        except Exception as error:  # readers of a damaged file raise anything
            # torch's message on what is more than weights goes on to say how to execute it all the same.
            said = MORE_THAN_WEIGHTS if "weights_only" in str(error) else one_line(error)
            raise Unusable(f"{path}: cannot be read: {said}") from error
    for name, value in state.items():
        if why := _strange(name, value):
            remedy = "of a training state save the state dict alone"
            raise Unusable(f"{checkpoint.folder}: {name!r} in its weights {why}; {remedy}")
    return state


def _refuse_packed(path: Path) -> None:
    """Raise ValueError for a file that holds more bytes than it has; torch and safetensors pack nothing."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            held = sum(member.file_size for member in packed.infolist())
        if held > path.stat().st_size:
            raise ValueError(f"it has {path.stat().st_size:,} bytes and unpacks to {held:,}; torch.save packs nothing")


def _strange(name: Any, value: Any) -> str | None:
    """Why this is no tensor of a checkpoint that could be compared; None if it is one."""
    if not isinstance(name, str):
        return "is no name"
    if not isinstance(value, Tensor):
        return "is no tensor"
    if value.is_meta or value.layout != torch.strided or value.is_quantized:
        kind = "meta" if value.is_meta else "quantized" if value.is_quantized else "sparse"
        return f"is a {kind} tensor, which holds no values that could be compared"
    if value.numel() * value.element_size() > value.untyped_storage().nbytes():
        return "is larger than what it holds, as an expanded tensor is"
    if value.dtype.is_floating_point and value.element_size() == 1:
        return f"is {str(value.dtype).removeprefix('torch.')}, which is not compared here"
    return None


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
