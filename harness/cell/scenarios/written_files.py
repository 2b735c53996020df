"""Reads the files of a checkpoint that a library wrote, and compares them with what was to be written."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import safe_open
from torch import Tensor

from ..compare.comparison import compare_names, compare_tensors
from ..compare.findings import NameDifference, TensorDifference
from ..models.variants import BIN

IN_A_FILE: Final = "written tensor"
MISFILED: Final = "the index puts them into another file than holds them"


def wrongly_indexed(folder: Path, by: str) -> list[NameDifference]:
    """The names that an index of shards, written `by` a library, lacks, has too many, or puts into a wrong file."""
    where, differences = f"the index that {by} wrote", []
    for path in folder.glob("*.safetensors.index.json"):
        index: Mapping[str, str] = json.loads(path.read_text())["weight_map"]
        held = {name: file.name for file in folder.glob("*.safetensors") for name in _names(file)}
        misfiled = tuple(sorted(name for name in index.keys() & held.keys() if index[name] != held[name]))
        differences += compare_names(where, list(held), list(index))
        differences += [NameDifference(where, misfiled, (), because=MISFILED)] if misfiled else []
    return differences


def written_wrongly(
    folder: Path, state: Mapping[str, Tensor], stored: Callable[[Tensor], Tensor]
) -> list[TensorDifference]:
    """The tensors in a checkpoint's files that are not those of `state`, as the variant has them `stored`.

    Names that only one side has are left out.
    """
    held = {name: tensor for name, tensor in tensors_in(folder) if name in state}
    differences = compare_tensors({name: stored(state[name].detach()) for name in held}, held, frozenset(held))
    return [replace(difference, kind=IN_A_FILE) for difference in differences]


def tensors_in(folder: Path) -> Iterator[tuple[str, Tensor]]:
    """The tensors in a checkpoint's files of safetensors, by name."""
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            yield from ((name, file.get_tensor(name)) for name in file.keys())  # noqa: SIM118  no mapping


def facts_of(folder: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What a folder's files of tensors say beside these, and what they must say: their format, the index its size."""
    formats: dict[str, Any] = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            formats[path.name] = (file.metadata() or {}).get("format")
    facts: dict[str, Any] = {"format": formats}
    must: dict[str, Any] = {"format": dict.fromkeys(formats, "pt")}
    for path in folder.glob("*.safetensors.index.json"):
        facts["total_size"] = json.loads(path.read_text()).get("metadata", {}).get("total_size")
        must["total_size"] = sum(tensor.nbytes for _, tensor in tensors_in(folder))
    return facts, must


def names_in(folder: Path) -> list[str]:
    """The names of all tensors in a checkpoint's files."""
    names: list[str] = []
    for path in sorted(folder.glob("*.safetensors")):
        names += _names(path)
    if (folder / BIN).is_file():
        state: Mapping[str, Tensor] = torch.load(folder / BIN, weights_only=True, map_location="meta")
        names += state
    return names


def _names(path: Path) -> list[str]:
    with safe_open(path, framework="pt") as file:
        return list(file.keys())
