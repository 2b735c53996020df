"""Remedies that mend a checkpoint folder in place: its config.json, or the names of its tensors."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

CONFIG = "config.json"


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


def describe_for_timm(folder: Path) -> None:
    """Give the config.json of a wrapper that was built from a configuration the `pretrained_cfg` that timm reads.

    It is the one that timm itself has for the architecture.
    """
    config = _config(folder)
    if not config.get("pretrained_cfg"):
        found = timm.get_pretrained_cfg(config["architecture"])
        known = found.to_dict() if found else {}
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


def drop_last_layer_of_head(folder: Path) -> None:
    """Delete the last layer of InceptionNeXt's head, `head.fc2`, which timm refuses where it makes no classes."""
    _rename(folder, lambda name: None if name.startswith("head.fc2.") else name)


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


def _rename(folder: Path, change: Callable[[str], str | None]) -> None:
    """Change the names of all tensors in a folder; None deletes one. Each file is replaced as a whole."""
    for path in folder.glob("*.safetensors"):
        tensors = _renamed({name: tensor.clone() for name, tensor in load_file(path).items()}, change)
        save_file(tensors, path.with_suffix(".new"), metadata={"format": "pt"})
        path.with_suffix(".new").replace(path)
    for path in folder.glob("*.bin"):
        state = torch.load(path, weights_only=True)
        torch.save(_renamed(state, change), path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)
    for path in folder.glob("*.index.json"):
        index = json.loads(path.read_text())
        named = ((change(name), file) for name, file in index["weight_map"].items())
        index["weight_map"] = {name: file for name, file in named if name is not None}
        path.write_text(json.dumps(index))


def _renamed(tensors: Mapping[str, Tensor], change: Callable[[str], str | None]) -> dict[str, Tensor]:
    named = ((change(name), tensor) for name, tensor in tensors.items())
    return {name: tensor for name, tensor in named if name is not None}
