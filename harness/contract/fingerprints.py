"""The fingerprints of one timm release: what it computes for its quick models and those of older releases.

timm is what everything else is compared with, so that nothing tells when it computes otherwise itself: native and
loaded model change together. `cell.probes.builder` makes a file in an environment that has that timm. Standard library
and packaging only.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final

from packaging.version import Version

from .catalog import Catalog, Entry
from .package import FOLDER

SCHEMA: Final = 1
NAME: Final = "fingerprints"
PACKAGED: Final = FOLDER / NAME
ROUTE: Final = "tower"
"""The route that compares with them: it exists in every release of transformers."""
DIGITS: Final = 7
"""The significant digits of a figure, which is what float32 holds."""

Print = Mapping[str, Any]
"""Shape of an output and, unless it is empty, `mean`, `std`, `absmax` and `samples`."""


@dataclass(frozen=True)
class Line:
    """The outputs of one slim model by name, and what makes them comparable: its arguments and its input.

    A name is that of a probe and of its output: `img_size: features`. A probe that raised has no output.
    """

    model: str
    args: Mapping[str, Any]
    input_size: tuple[int, int, int]
    outputs: Mapping[str, Print]

    def is_of(self, entry: Entry) -> bool:
        """Whether it was made with the slim model of this entry, or with the one that stands for it."""
        slim = entry.slim
        same = (self.args, self.input_size) == (slim.args, slim.input_size)
        return same and self.model in {entry.model, slim.same_as}


@dataclass(frozen=True)
class Fingerprints:
    """The lines of one timm release. `random` tells what is drawn from `seed`: where it differs, dropout does too."""

    timm: str
    torch: str
    seed: int
    random: tuple[int, ...]
    lines: tuple[Line, ...]

    @cached_property
    def by_model(self) -> Mapping[str, Line]:
        """The lines by model."""
        return {line.model: line for line in self.lines}

    def of(self, entry: Entry) -> Line | None:
        """The line of a model that is slim in the same way, or of the one that stands for it; None if there is none."""
        lines = (self.by_model.get(str(model)) for model in (entry.model, entry.slim.same_as))
        return next((line for line in lines if line and line.is_of(entry)), None)


def recorded(described: Catalog, older: Iterable[Catalog]) -> list[Entry]:
    """The entries of a catalog that get a line: its quick models and controls, and those of older releases.

    So each line of an older release has one to be compared with, as long as timm has the model.
    """
    models = {
        model
        for each in (described, *older)
        for model in (*(entry.model for entry in each.smallest_of_each_kind()), *each.controls)
    }
    return [entry for entry in described if entry.model in models]


def dumps(prints: Fingerprints) -> str:
    """The text of a file: a header with the command that made it, then one line a model, sorted by name."""
    head = {
        "fingerprints": prints.timm,
        "schema": SCHEMA,
        "made_by": f"nox -s catalog -- timm=={prints.timm}",
        "torch": prints.torch,
        "seed": prints.seed,
        "random": prints.random,
    }
    rows = (_rounded(asdict(line)) for line in sorted(prints.lines, key=lambda line: line.model))
    return "".join(json.dumps(row, separators=(", ", ": "), allow_nan=False) + "\n" for row in (_rounded(head), *rows))


def loads(text: str) -> Fingerprints:
    """The inverse of `dumps`. Raises ValueError for any text that is no file of fingerprints of this schema."""
    rows = [json.loads(line) for line in text.splitlines() if line.strip()]
    if not rows or rows[0].get("schema") != SCHEMA or "fingerprints" not in rows[0]:
        raise ValueError(f"no fingerprints of schema {SCHEMA}")
    head, *lines = rows
    read = (Line(**{**line, "input_size": tuple(line["input_size"])}) for line in lines)
    return Fingerprints(head["fingerprints"], head["torch"], head["seed"], tuple(head["random"]), tuple(read))


def up_to(timm: str, folder: Path) -> Iterator[Fingerprints]:
    """The fingerprints of a release and of all older ones in a folder, the newest first. Raises as `loads` does."""
    for path in paths(timm, folder):
        yield _parsed(path.read_text())


def digest(timm: str, folder: Path) -> str:
    """A digest of every file that a case of this release may be compared with."""
    whole = hashlib.sha256()
    for path in paths(timm, folder):
        whole.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return whole.hexdigest()


def paths(timm: str, folder: Path) -> list[Path]:
    """The files of a release and of all older ones, the newest first, in a folder of fingerprints or of catalogs."""
    by_release = {Version(path.stem.removeprefix("timm-")): path for path in folder.glob("timm-*.ndjson")}
    return [by_release[release] for release in sorted(by_release, reverse=True) if release <= Version(timm)]


@lru_cache(maxsize=16)
def _parsed(text: str) -> Fingerprints:
    """Cached: each model of a run is looked up in the same files."""
    return loads(text)


def _rounded(value: Any) -> Any:
    """A value in JSON's own types, with figures rounded."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, Mapping):
        return {name: _rounded(item) for name, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list | tuple) else value
