"""Tensors in files, mapped into memory, so that the system can drop a full-size model's pages and read them again.

A file is written tensor by tensor, so that its content is never in memory as a whole. A checkpoint is linked to files
that hold it already.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final

import torch
from safetensors import safe_open
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
UNLINKED: Final = "unlinked"
SHARDS: Final = 2  # of a checkpoint in several
INDEX: Final = "model.safetensors.index.json"

State = Mapping[str, Tensor]


class MappedTensors:
    """The files of one model in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def store(self, name: str, like: State, value: Callable[[str], Tensor]) -> State:
        """Write a tensor for each of `like`, of its shape and dtype, one `value` after the other, and map the files.

        Changing a mapped tensor changes a copy, and not the file. Raises OSError if the disk is full.
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
        """The files that were written under `name`."""
        return sorted(self.folder.glob(f"{name}-*.safetensors"))

    def store_unlinked(self, like: State, value: Callable[[str], Tensor]) -> State:
        """Write and map tensors, then unlink their files: the disk has the space back with the last of the tensors."""
        try:
            return self.store(UNLINKED, like, value)
        finally:
            for path in self.files(UNLINKED):
                path.unlink()


def parts(state: State, largest: int = LARGEST_FILE, shard: int = SHARD) -> Iterator[State]:
    """The whole state if it has at most `largest` bytes; else parts of at most `shard` bytes, or of one tensor."""
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
    """The bytes of all tensors."""
    return sum(tensor.numel() * tensor.element_size() for tensor in state.values())


def write(file: BinaryIO, like: State, value: Callable[[str], Tensor]) -> None:
    """Write a safetensors file with the layout of `safetensors.torch.save_file`, making one value at a time."""
    entries, end = {}, 0
    for name, tensor in like.items():
        start, end = end, end + size_of({name: tensor})
        entries[name] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [start, end]}
    header = json.dumps({"__metadata__": {"format": "pt"}, **entries}).encode()
    header += b" " * (-(len(header) + 8) % ALIGNED)
    file.write(len(header).to_bytes(8, "little") + header)
    for name, tensor in like.items():
        content = value(name).detach().to("cpu", tensor.dtype).contiguous()
        file.write(content.reshape(-1).view(torch.uint8).numpy())


def link(file: Path, name: Path) -> None:
    """Link a file by another name."""
    name.unlink(missing_ok=True)  # left by a checkpoint that was cut off
    name.symlink_to(file)


def link_shards(files: Sequence[Path], folder: Path) -> None:
    """Link shards by the names that huggingface_hub gives them, and write their index."""
    index: dict[str, str] = {}
    for number, path in enumerate(files, 1):
        name = f"model-{number:05}-of-{len(files):05}.safetensors"
        link(path, folder / name)
        with safe_open(path, framework="pt") as shard:
            index |= dict.fromkeys(shard.keys(), name)
    total = sum(path.stat().st_size for path in files)
    (folder / INDEX).write_text(json.dumps({"metadata": {"total_size": total}, "weight_map": index}))


def shard_size(state: State) -> int:
    """The bytes of a shard, so that there are at least two shards."""
    return max(1, size_of(state) // SHARDS)


def refuse_one_file(folder: Path) -> None:
    """Raise ValueError unless a folder holds several shards."""
    if len(list(folder.glob("*.safetensors"))) < SHARDS:
        raise ValueError(f"asked for {SHARDS} shards, and there is one file")
