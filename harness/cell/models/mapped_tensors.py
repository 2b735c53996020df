"""Tensors in files, mapped into memory: what a full-size model weighs, the system can take back and read again.

A file is written tensor by tensor, so that what it holds is never in memory as a whole.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final

import torch
from safetensors.torch import load_file
from torch import Tensor

from ...contract.checkpoint import LARGEST_FILE

# safetensors' own names: https://huggingface.co/docs/safetensors/index#format
DTYPES: Final = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
ALIGNED: Final = 64  # bytes: what a vector unit reads at a time
SHARD: Final = 4 * 2**30
LENT: Final = "lent"

State = Mapping[str, Tensor]


class MappedTensors:
    """Files of one model in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, name: str, like: State, value: Callable[[str], Tensor]) -> State:
        """Write tensors of the shapes and dtypes of `like`, one `value` after the other, and give them mapped.

        Whoever changes one changes a copy: the files stay. Raises OSError where the disk is full.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        mapped: dict[str, Tensor] = {}
        for number, part in enumerate(parts(like)):
            path = self.folder / f"{name}-{number:03}.safetensors"
            with path.open("wb") as file:
                write(file, part, value)
            mapped |= load_file(path)
        return mapped

    def files(self, name: str) -> Sequence[Path]:
        """The files that were written under that name."""
        return sorted(self.folder.glob(f"{name}-*.safetensors"))

    def lend(self, like: State, value: Callable[[str], Tensor]) -> State:
        """The same in files that nobody can name, and that go with the last of their tensors."""
        try:
            return self.keep(LENT, like, value)
        finally:
            for path in self.files(LENT):
                path.unlink()


def parts(state: State, largest: int = LARGEST_FILE, shard: int = SHARD) -> Iterator[State]:
    """All in one, or where that is too large, in parts of at most so many bytes; a larger tensor is alone."""
    if size_of(state) <= largest:
        yield state
        return
    part: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if part and size_of(part) + size_of({name: tensor}) > shard:
            yield part
            part = {}
        part[name] = tensor
    yield part


def size_of(state: State) -> int:
    """Bytes."""
    return sum(tensor.numel() * tensor.element_size() for tensor in state.values())


def write(file: BinaryIO, like: State, value: Callable[[str], Tensor]) -> None:
    """One safetensors file, as `safetensors.torch.save_file` lays it out, from values made one at a time."""
    described, end = {}, 0
    for name, tensor in like.items():
        start, end = end, end + size_of({name: tensor})
        described[name] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [start, end]}
    header = json.dumps({"__metadata__": {"format": "pt"}, **described}).encode()
    header += b" " * (-(len(header) + 8) % ALIGNED)
    file.write(len(header).to_bytes(8, "little") + header)
    for name, tensor in like.items():
        made = value(name).detach().to("cpu", tensor.dtype).contiguous()
        file.write(made.reshape(-1).view(torch.uint8).numpy())
