"""The files of a checkpoint in several shards, or linked to files that hold it already."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from safetensors import safe_open
from torch import Tensor

from .mapped_tensors import size_of

SHARDS: Final = 2
INDEX: Final = "model.safetensors.index.json"


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


def shard_size(state: Mapping[str, Tensor]) -> int:
    """The bytes of a shard, so that there are at least two shards."""
    return max(1, size_of(state) // SHARDS)


def refuse_one_file(folder: Path) -> None:
    """Raise ValueError unless a folder holds several shards."""
    if len(list(folder.glob("*.safetensors"))) < SHARDS:
        raise ValueError(f"asked for {SHARDS} shards, and there is one file")
