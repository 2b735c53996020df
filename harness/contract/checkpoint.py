"""A user's checkpoint folder, as its config.json describes it. It may come from anybody.

Only regular files in the folder are read, and those of the hub's cache that it links to; what in its configuration
would make a library open other files is refused. Standard library only: both sides of the wall read it.
"""

import contextlib
import itertools
import json
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .surroundings import is_folder

CONFIG: Final = "config.json"
WEIGHTS: Final = ("model.safetensors", "pytorch_model.bin")
INDICES: Final = tuple(f"{name}.index.json" for name in WEIGHTS)
WRAPPER: Final = "timm_wrapper"  # the model type of transformers' own wrapper
LARGEST_FILE: Final = 8 * 2**30
"""Bytes. Linux maps no file larger than its memory, so larger weights are sharded on routes that can read shards."""
HEADLESS: Final = "TimmWrapperModel"
MODULE: Final = re.compile(r"[\w.]+:[\w.]+")
LARGEST_JSON: Final = 64 * 2**20
"""Bytes. The index of the largest model on the hub has less than a tenth."""
LARGEST_COUNT: Final = 10**7
"""Classes, labels or pixels of a side: a library makes a name for each."""
MOST_SHARDS: Final = 10_000
BLOBS: Final = "blobs"
"""The folder of the hub's cache, beside `snapshots`, to which the files of a snapshot are links."""
OPENING: Final = frozenset({"checkpoint_path", "pretrained_cfg_overlay"})
"""Arguments of timm's that make it open a file, or say which."""
COUNTS: Final = ("num_classes", "num_labels")
LONGEST_KEY: Final = 100
"""Characters of a key that a message repeats."""
MOST_PROBLEMS: Final = 20
LOCAL: Final = "local-dir:"
"""What begins the name of an architecture that timm reads from a folder."""
SEPARATORS: Final = str.maketrans("/@+[]", "-----")  # of case ids and pytest ids


def config_in(folder: Path) -> Mapping[str, Any]:
    """The content of a folder's config.json."""
    config: Mapping[str, Any] = json.loads((folder / CONFIG).read_text())
    return config


def _is_size(value: Any) -> bool:
    return value is None or (isinstance(value, list) and len(value) == len("chw") and all(map(_is_count, value)))


def _is_count(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value < LARGEST_COUNT)


def _is_name(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_described(value: Any) -> bool:
    config = value if isinstance(value, dict) else {}
    return _is_size(config.get("input_size")) and _is_name(config.get("architecture"))


FIELDS: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    **dict.fromkeys(COUNTS, (_is_count, "is no number of classes")),
    "architectures": (
        lambda value: value is None or (isinstance(value, list) and all(isinstance(name, str) for name in value)),
        "is no list of names",
    ),
    **dict.fromkeys(("model_type", "architecture"), (_is_name, "is no name")),
    "id2label": (lambda value: value is None or isinstance(value, dict), "is no mapping of labels"),
    "model_args": (lambda value: value is None or isinstance(value, dict), "is no mapping of arguments"),
    "pretrained_cfg": (_is_described, "has an input_size or architecture that is none"),
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
        if not is_folder(folder):
            raise ValueError(f"{folder}: there is no such folder; a model reads package.module:Name")
        path = folder / CONFIG
        if not os.path.lexists(path):
            raise ValueError(f"{folder}: no {CONFIG} in it, which timm and transformers both write")
        config = _json(path)
        if not isinstance(config, dict):
            raise ValueError(f"{path}: describes no model")  # noqa: TRY004  the file is wrong, not the caller
        wrong = [f"{name} {message}" for name, (holds, message) in FIELDS.items() if not holds(config.get(name))]
        if wrong := list(itertools.islice((*wrong, *_opening(config)), MOST_PROBLEMS)):
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
        """The weight files in the format that both libraries prefer; empty if there are none.

        Raises ValueError for one that is no regular file of the folder.
        """
        for whole, index in zip(WEIGHTS, INDICES, strict=True):
            if os.path.lexists(self.folder / whole):
                return [regular(self.folder / whole)]
            if os.path.lexists(self.folder / index):
                return [regular(self.folder / name) for name in _shards(self.folder / index)]
        return []

    @property
    def bytes(self) -> int:
        """The size of the weight files together."""
        return sum(path.stat().st_size for path in self.files)


def is_path(target: str) -> bool:
    """Whether a target means a folder rather than `package.module:Name`."""
    return MODULE.fullmatch(target) is None


def names_code(target: str, maker: str | None) -> bool:
    """Whether a target and its `--class` name code to execute; a checkpoint folder alone is none."""
    return maker is not None or not is_path(target)


def regular(path: Path) -> Path:
    """The path, if it is a regular file of its folder or of the hub's cache. Raises ValueError, naming it."""
    try:
        real = path.resolve(strict=True)
        is_regular = stat.S_ISREG(real.stat().st_mode)
    except (OSError, RuntimeError) as error:  # RuntimeError: a link to itself, before Python 3.13
        raise ValueError(f"{path}: cannot be read: {error}") from error
    if not is_regular:
        raise ValueError(f"{path}: is no regular file")
    folder = path.parent.resolve()
    if not real.is_relative_to(folder) and not real.is_relative_to(folder.parent.parent / BLOBS):
        raise ValueError(f"{path}: is a link that leads out of its folder")
    return path


def _json(path: Path) -> Any:
    """The content of a file of JSON. Raises ValueError, naming it."""
    size = regular(path).stat().st_size
    if size > LARGEST_JSON:
        raise ValueError(f"{path}: has {size:,} bytes, and no such file has more than {LARGEST_JSON:,}")
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path}: cannot be read: {error}") from error


def _shards(index: Path) -> list[str]:
    """The names of the files in an index. Raises ValueError for one that is no plain name of a file in its folder."""
    content = _json(index)
    names = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise ValueError(f"{index}: is no index of weights: its weight_map is no mapping of names")
    shards = sorted(set(names.values()))
    if strange := [name for name in shards if Path(name).name != name or not name.isprintable()]:
        raise ValueError(f"{index}: {strange[0]!r} is no name of a file in its folder")
    if len(shards) > MOST_SHARDS:
        raise ValueError(f"{index}: names {len(shards):,} files, and no checkpoint has more than {MOST_SHARDS:,}")
    return shards


def _opening(config: Any) -> Iterator[str]:
    """What in a configuration would make a library open other files, by place; it may be nested deeply."""
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), config)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [((*place, name), inner) for name, inner in value.items()]
            for name in sorted(value.keys() & OPENING):
                if value[name]:
                    yield f"{_spelled((*place, name))} would open another file, and is refused; take it out"
            for name in sorted(value.keys() & COUNTS):
                if place and not _is_count(value[name]):
                    yield f"{_spelled((*place, name))} is no number of classes"
        elif isinstance(value, list):
            waiting += [((*place, index), inner) for index, inner in enumerate(value)]
        elif isinstance(value, str) and (value.startswith(LOCAL) or _is_backbone_path(place, value)):
            yield f"{_spelled(place)} would open another folder, and is refused; name a model of timm's"


def _spelled(place: tuple[str | int, ...]) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part[:LONGEST_KEY]}" for part in place)
    return "".join(parts).removeprefix(".")


def _is_backbone_path(place: tuple[str | int, ...], value: str) -> bool:
    """Whether a detector's backbone, which may be a repository of the hub, is a folder of this machine."""
    with contextlib.suppress(OSError, ValueError):
        return place[-1:] == ("backbone",) and Path(value).exists()
    return False
