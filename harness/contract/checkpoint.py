"""A checkpoint folder on somebody's disk, as its config.json describes it.

Standard library only: both sides of the wall ask whose format it has.
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
"""Bytes. Linux maps no file that is larger than its memory, so what is larger than this lies in shards where it can."""
HEADLESS: Final = "TimmWrapperModel"
MODULE: Final = re.compile(r"[\w.]+:[\w.]+")
OF_IDS: Final = str.maketrans("/@+[]", "-----")  # what a case id, or the test of that name, uses itself


def _is_size(value: Any) -> bool:
    return value is None or (isinstance(value, list) and len(value) == len("chw") and all(map(_is_count, value)))


def _is_count(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0)


def _is_described(value: Any) -> bool:
    found = value if isinstance(value, dict) else {}
    return _is_size(found.get("input_size")) and _is_count(found.get("num_classes"))


FIELDS: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "num_classes": (_is_count, "is no number of classes"),
    "architectures": (
        lambda value: value is None or (isinstance(value, list) and all(isinstance(one, str) for one in value)),
        "is no list of names",
    ),
    "model_args": (lambda value: value is None or isinstance(value, dict), "is no mapping of arguments"),
    "pretrained_cfg": (_is_described, "has an input_size or num_classes that is none"),
}
"""What must hold of what is read here, and what to say where it does not."""


@dataclass(frozen=True)
class Checkpoint:
    """A folder, and what its `config.json` says."""

    folder: Path
    config: Mapping[str, Any]

    @classmethod
    def read(cls, folder: Path) -> "Checkpoint":
        """Raises ValueError, naming the place, for a folder that is no checkpoint."""
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
            raise ValueError(f"{path}: describes no model")  # noqa: TRY004  what a file holds, and no caller's mistake
        if wrong := [f"{name} {said}" for name, (holds, said) in FIELDS.items() if not holds(config.get(name))]:
            raise ValueError(f"{path}: {'; '.join(wrong)}")
        found = cls(folder, config)
        if not found.files:
            raise ValueError(f"{folder}: no weights in it; {', '.join((*WEIGHTS, *INDICES))} were looked for")
        return found

    @property
    def name(self) -> str:
        """What cases call it."""
        return self.folder.resolve().name.translate(OF_IDS) or "checkpoint"

    @property
    def architecture(self) -> str | None:
        """The architecture in timm's registry, of a checkpoint of timm's or of transformers' wrapper; else None."""
        if self.config.get("model_type") not in {None, WRAPPER}:
            return None
        named = self.config.get("architecture") or self.pretrained_cfg.get("architecture")
        return str(named).partition(".")[0] if named else None  # what follows the dot is timm's name for the weights

    @property
    def pretrained_cfg(self) -> Mapping[str, Any]:
        """What timm says of the weights; empty where it says nothing."""
        found = self.config.get("pretrained_cfg")
        return found if isinstance(found, dict) else {}

    @property
    def model_args(self) -> Mapping[str, Any]:
        """What else the architecture is made with."""
        found = self.config.get("model_args")
        return found if isinstance(found, dict) else {}

    @property
    def is_as_for_the_hub(self) -> bool:
        """Whether it is described as timm 1.0.31 writes it for the hub, the number of classes among its arguments."""
        return "num_classes" in self.model_args

    @property
    def classes(self) -> int:
        """How many there are in the head of a timm model; 0 where there is none."""
        if HEADLESS in (self.config.get("architectures") or ()):
            return 0
        labels = self.config.get("id2label")
        told = (self.config.get("num_classes"), self.pretrained_cfg.get("num_classes"), len(labels or ()))
        return int(next((one for one in told if one is not None), 0))

    @property
    def files(self) -> list[Path]:
        """The files of the weights in the format that both libraries take first; empty where there are none."""
        for whole, index in zip(WEIGHTS, INDICES, strict=True):
            if (self.folder / whole).is_file():
                return [self.folder / whole]
            if (self.folder / index).is_file():
                return [self.folder / name for name in _shards(self.folder / index)]
        return []


def is_path(target: str) -> bool:
    """Whether a target is meant as a folder, and not as `package.module:Name`."""
    return MODULE.fullmatch(target) is None


def _shards(index: Path) -> list[str]:
    try:
        return sorted({str(Path(name)) for name in json.loads(index.read_text())["weight_map"].values()})
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise ValueError(f"{index}: is no index of weights: {type(error).__name__}: {error}") from error
