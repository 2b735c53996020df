"""Causes that names show together: a shard that was not read, a configuration's model_args that were not used."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import timm
import torch
from safetensors import safe_open

from .findings import NameDifference

INDEX: Final = "*.index.json"
CONFIG: Final = "config.json"


def cause_of(difference: NameDifference, folder: Path | None, module: Any) -> str:
    """The cause of names that differ between a checkpoint folder and the timm module of it; empty if unknown."""
    if folder is None or not folder.is_dir():
        return ""
    return _lost_shard(difference.missing, folder) or _unused_model_args(folder, module)


def _lost_shard(missing: Collection[str], folder: Path) -> str:
    """Which file's names are all missing, and no others."""
    if not missing:
        return ""
    for path in folder.glob(INDEX):
        for file, names in _by_file(path).items():
            if _ends_alike(missing, names):
                return f"none of the tensors in the shard {file} was loaded"
    return ""


def _by_file(index: Path) -> Mapping[str, list[str]]:
    """The names in each shard, by the index; and by itself, if a shard lies beside the index without being named."""
    by_file: dict[str, list[str]] = {}
    for name, file in json.loads(index.read_text())["weight_map"].items():
        by_file.setdefault(file, []).append(name)
    for path in index.parent.glob("*.safetensors"):
        if path.name not in by_file:
            with safe_open(path, framework="pt") as file:
                by_file[path.name] = list(file.keys())
    return by_file


def _ends_alike(missing: Iterable[str], names: Collection[str]) -> bool:
    """Whether each missing name is one of a file's, and each of the file's is missing, whatever their prefixes."""
    missing = set(missing)
    found = {name for name in missing if any(_same(name, other) for other in names)}
    return found == missing and all(any(_same(name, other) for name in missing) for other in names)


def _same(name: str, other: str) -> bool:
    return name == other or name.endswith(f".{other}") or other.endswith(f".{name}")


def _unused_model_args(folder: Path, module: Any) -> str:
    """Whether a module has the shapes of its architecture without the model_args in the folder's configuration."""
    path = folder / CONFIG
    config = json.loads(path.read_text()) if path.is_file() else {}
    if not isinstance(config.get("model_args"), dict) or not config["model_args"] or "architecture" not in config:
        return ""
    shapes = _shapes(lambda: timm.create_model(config["architecture"], num_classes=getattr(module, "num_classes", 0)))
    used = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    return (
        f"the model_args of {CONFIG} were not used: {config['architecture']} is as timm makes it"
        if shapes == used
        else ""
    )


def _shapes(build: Callable[[], Any]) -> Mapping[str, tuple[int, ...]]:
    """The shapes of a model's state by name; empty if it cannot be made without its weights."""
    try:
        with torch.device("meta"):
            return {name: tuple(tensor.shape) for name, tensor in build().state_dict().items()}
    except Exception:  # noqa: BLE001  a constructor that reads values
        return {}
