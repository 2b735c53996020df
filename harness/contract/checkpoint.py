"""A user's checkpoint folder, as its config.json describes it.

Standard library only: both sides of the wall read it.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

CONFIG: Final = "config.json"
WEIGHTS: Final = ("model.safetensors", "pytorch_model.bin")
INDICES: Final = tuple(f"{name}.index.json" for name in WEIGHTS)
WRAPPER: Final = "timm_wrapper"  # the model type of transformers' own wrapper
LARGEST_FILE: Final = 8 * 2**30
"""Bytes. Linux maps no file larger than its memory, so larger weights are sharded on routes that can read shards."""
HEADLESS: Final = "TimmWrapperModel"
MODULE: Final = re.compile(r"[\w.]+:[\w.]+")
SEPARATORS: Final = str.maketrans("/@+[]", "-----")  # of case ids and pytest ids


def config_in(folder: Path) -> Mapping[str, Any]:
    """The content of a folder's config.json."""
    config: Mapping[str, Any] = json.loads((folder / CONFIG).read_text())
    return config


def _is_size(value: Any) -> bool:
    return value is None or (isinstance(value, list) and len(value) == len("chw") and all(map(_is_count, value)))


def _is_count(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0)


def _is_described(value: Any) -> bool:
    config = value if isinstance(value, dict) else {}
    return _is_size(config.get("input_size")) and _is_count(config.get("num_classes"))


FIELDS: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "num_classes": (_is_count, "is no number of classes"),
    "architectures": (
        lambda value: value is None or (isinstance(value, list) and all(isinstance(name, str) for name in value)),
        "is no list of names",
    ),
    "model_args": (lambda value: value is None or isinstance(value, dict), "is no mapping of arguments"),
    "pretrained_cfg": (_is_described, "has an input_size or num_classes that is none"),
}
"""For each field of config.json that is read here a check, and the message for a value that fails it."""


@dataclass(frozen=True)
class Checkpoint:
    """A folder with weights, and its parsed `config.json`."""

    folder: Path
    config: Mapping[str, Any]

    @classmethod
    def read(cls, folder: Path) -> "Checkpoint":
        """Reads `config.json`. Raises ValueError, naming the file, for a folder that is no checkpoint."""
        if not folder.is_dir():
            raise ValueError(f"{folder}: there is no such folder; a model reads package.module:Name")
        path = folder / CONFIG
        if not path.is_file():
            raise ValueError(f"{folder}: no {CONFIG} in it, which timm and transformers both write")
        try:
            config = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise ValueError(f"{path}: cannot be read: {error}") from error
        if not isinstance(config, dict):
            raise ValueError(f"{path}: describes no model")  # noqa: TRY004  the file is wrong, not the caller
        if wrong := [f"{name} {message}" for name, (holds, message) in FIELDS.items() if not holds(config.get(name))]:
            raise ValueError(f"{path}: {'; '.join(wrong)}")
        checkpoint = cls(folder, config)
        if not checkpoint.files:
            raise ValueError(f"{folder}: no weights in it; {', '.join((*WEIGHTS, *INDICES))} were looked for")
        return checkpoint

    @property
    def name(self) -> str:
        """The model name in case ids: the folder's name, without their separators."""
        return self.folder.resolve().name.translate(SEPARATORS) or "checkpoint"

    @property
    def architecture(self) -> str | None:
        """The architecture in timm's registry; None unless timm or transformers' wrapper wrote the checkpoint."""
        if self.config.get("model_type") not in {None, WRAPPER}:
            return None
        name = self.config.get("architecture") or self.pretrained_cfg.get("architecture")
        return str(name).partition(".")[0] if name else None  # after the dot comes timm's tag of the weights

    @property
    def pretrained_cfg(self) -> Mapping[str, Any]:
        """The description of the weights by timm; empty if there is none."""
        described = self.config.get("pretrained_cfg")
        return described if isinstance(described, dict) else {}

    @property
    def model_args(self) -> Mapping[str, Any]:
        """The constructor arguments of the architecture; empty if there are none."""
        arguments = self.config.get("model_args")
        return arguments if isinstance(arguments, dict) else {}

    @property
    def is_as_for_the_hub(self) -> bool:
        """Whether `model_args` holds the number of classes, as timm 1.0.31 writes it for the hub."""
        return "num_classes" in self.model_args

    @property
    def classes(self) -> int:
        """The number of classes of a timm model; 0 for a model without a head."""
        if HEADLESS in (self.config.get("architectures") or ()):
            return 0
        labels = self.config.get("id2label")
        counts = (self.config.get("num_classes"), self.pretrained_cfg.get("num_classes"), len(labels or ()))
        return int(next((count for count in counts if count is not None), 0))

    @property
    def files(self) -> list[Path]:
        """The weight files in the format that both libraries prefer; empty if there are none."""
        for whole, index in zip(WEIGHTS, INDICES, strict=True):
            if (self.folder / whole).is_file():
                return [self.folder / whole]
            if (self.folder / index).is_file():
                return [self.folder / name for name in _shards(self.folder / index)]
        return []


def is_path(target: str) -> bool:
    """Whether a target means a folder rather than `package.module:Name`."""
    return MODULE.fullmatch(target) is None


def _shards(index: Path) -> list[str]:
    try:
        return sorted({str(Path(name)) for name in json.loads(index.read_text())["weight_map"].values()})
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise ValueError(f"{index}: is no index of weights: {type(error).__name__}: {error}") from error
