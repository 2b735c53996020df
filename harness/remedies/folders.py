"""Remedies that mend a checkpoint folder in place: its config.json, or the names of its tensors."""

import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

CONFIG = "config.json"
METADATA = "__metadata__"
COPIED = 2**24  # bytes at a time
State = Mapping[str, Tensor]


def drop_num_classes_from_model_args(folder: Path) -> None:
    """Delete `num_classes` from `model_args` in the config.json that timm wrote; TimmWrapper passes its own.

    The rest of `model_args`, which timm reads, stays.
    """
    config = _config(folder)
    if isinstance(config.get("model_args"), dict):
        config["model_args"].pop("num_classes", None)
    _describe(folder, config)


def drop_empty_model_args(folder: Path) -> None:
    """Delete `"model_args": null` from a config.json that transformers wrote; timm takes it for a mapping."""
    config = _config(folder)
    if "model_args" in config and config["model_args"] is None:
        del config["model_args"]
    _describe(folder, config)


def set_training_arguments_aside(folder: Path) -> None:
    """Rename the `training_args.bin` that a Trainer wrote, which timm takes for weights; nothing reads it again."""
    arguments = folder / "training_args.bin"
    if arguments.exists():
        arguments.rename(folder / "training_args.pickle")


def forget_that_attention_was_chosen(folder: Path) -> None:
    """Delete `_attn_implementation_autoset` from a config.json: it says that attention was chosen, and not which."""
    config = _config(folder)
    config.pop("_attn_implementation_autoset", None)
    _describe(folder, config)


def describe_for_timm(folder: Path) -> None:
    """Give the config.json of a wrapper that was built from a configuration the `pretrained_cfg` that timm reads.

    It is the one that timm itself has for the architecture, or else that of a model of it.
    """
    config = _config(folder)
    if not config.get("pretrained_cfg"):
        found = timm.get_pretrained_cfg(config["architecture"])
        known = found.to_dict() if found else timm.create_model(config["architecture"]).pretrained_cfg
        classes = {"num_classes": config["num_classes"]} if "num_classes" in config else {}
        config["pretrained_cfg"] = {**known, "architecture": config["architecture"], **classes}
    if config.get("model_args", "") is None:
        del config["model_args"]
    _describe(folder, config)


def take_timm_model_prefix_off(folder: Path) -> None:
    """Take `timm_model.` off the names in a checkpoint that transformers wrote, as timm names its tensors."""
    _rename(folder, lambda name: name.removeprefix("timm_model."))


def name_layer_norms_of_today(folder: Path) -> None:
    """Rename `LayerNorm.gamma` and `LayerNorm.beta` in a checkpoint to `LayerNorm.weight` and `LayerNorm.bias`."""
    names = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}

    def today(name: str) -> str:
        return next((name.removesuffix(old) + new for old, new in names.items() if name.endswith(old)), name)

    _rename(folder, today)


def empty_last_layer_of_head(folder: Path) -> None:
    """Empty the last layer of InceptionNeXt's head, `head.fc2`, as timm before 1.0.31 makes it without classes."""
    files = [*folder.glob("*.safetensors"), *folder.glob("*.bin")]
    _change(files, lambda tensors: {name: _emptied(name, tensor) for name, tensor in tensors.items()})


def _emptied(name: str, tensor: Tensor) -> Tensor:
    return tensor[:0].clone() if name.startswith("head.fc2.") else tensor


def freeze_batch_norms_after_loading(folder: Path) -> None:
    """Set `freeze_batch_norm_2d` to false in config.json; the same remedy freezes the loaded model."""
    config = _config(folder)
    for part in (config, *(value for value in config.values() if isinstance(value, dict))):
        if part.get("freeze_batch_norm_2d"):
            part["freeze_batch_norm_2d"] = False
    _describe(folder, config)


def _config(folder: Path) -> dict[str, Any]:
    config: dict[str, Any] = json.loads((folder / CONFIG).read_text())
    return config


def _describe(folder: Path, config: Mapping[str, Any]) -> None:
    (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n")


def _rename(folder: Path, change: Callable[[str], str]) -> None:
    """Change the names of all tensors in a folder, and in the index of its shards."""
    for path in folder.glob("*.safetensors"):
        _rename_in_header(path, change)
    _change(folder.glob("*.bin"), lambda tensors: {change(name): tensor for name, tensor in tensors.items()})
    for path in folder.glob("*.index.json"):
        index = json.loads(path.read_text())
        index["weight_map"] = {change(name): file for name, file in index["weight_map"].items()}
        path.write_text(json.dumps(index))


def _rename_in_header(path: Path, change: Callable[[str], str]) -> None:
    """Change the names in the header of a safetensors file: eight bytes with its length, JSON, then the tensors."""
    with path.open("rb") as old, path.with_suffix(".new").open("wb") as new:
        header = json.loads(old.read(int.from_bytes(old.read(8), "little")))
        renamed = {name if name == METADATA else change(name): entry for name, entry in header.items()}
        text = json.dumps(renamed).encode()
        text += b" " * (-len(text) % 8)
        new.write(len(text).to_bytes(8, "little") + text)
        shutil.copyfileobj(old, new, COPIED)
    path.with_suffix(".new").replace(path)


def _change(files: Iterable[Path], change: Callable[[State], State]) -> None:
    """Change the tensors of each file. A file is replaced as a whole, for it may be mapped or linked."""
    for path in files:
        if path.suffix == ".safetensors":
            save_file(dict(change(load_file(path))), path.with_suffix(".new"), metadata={"format": "pt"})
        else:
            torch.save(dict(change(torch.load(path, weights_only=True))), path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)
