"""The catalog of one timm release, one line per model, read and written here on both sides of the wall.

`cell.catalog.builder` makes it in an environment that has that timm. Standard library only.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from ..contract.package import FOLDER
from .case import Size
from .fields import catalog as catalog_fields
from .fields.line import parsed

SCHEMA = 5
PACKAGED = FOLDER / "catalogs"
HOW_TO_RUN = frozenset({"slim", "narrow", "smallest_input"})
"""The fields of an entry that are no trait of the model: they say how it is run here."""


@dataclass(frozen=True)
class Cut:
    """How a model is cut: one of each distinct block and two of one that repeats, the smallest valid input.

    `args` are constructor arguments
    that replace timm's; `input_size` is (channels, height, width). `creatable`: `timm.create_model` takes those
    arguments too. `fallback` says why the model could not be cut, or why no block that repeats is there twice; None if
    it was and one is. `same_as` names the first model of the catalog whose slim form is identical; None if that is this
    model.
    """

    args: Mapping[str, Any]
    input_size: tuple[int, int, int]
    params: int
    creatable: bool = False
    fallback: str | None = None
    same_as: str | None = None


@dataclass(frozen=True)
class Narrow:
    """How a slim model is made narrow: `args` replace those of its cut, and leave it as little width as they can."""

    args: Mapping[str, Any]
    params: int


@dataclass(frozen=True)
class Entry:
    """One architecture of timm and its traits, read from the architecture itself.

    The `*_keys` fields count state-dict keys; `scale_keys` counts LayerScale parameters whose name has neither gamma
    nor beta. `non_persistent_buffers` counts buffers that no checkpoint holds. `feature_levels` is 0 if timm offers no
    `features_only`. `intermediates`: the model has `forward_intermediates`. `classifier`: the architecture can have a
    classification head. `smallest_input` is the smallest input that the uncut model accepts.
    """

    model: str
    family: str
    params: int
    input_size: tuple[int, int, int]
    gamma_keys: int
    beta_keys: int
    scale_keys: int
    non_persistent_buffers: int
    batch_norm: bool
    classifier: bool
    feature_levels: int
    intermediates: bool
    smallest_input: tuple[int, int, int]
    slim: Cut = field(compare=False)
    narrow: Narrow | None = field(default=None, compare=False)
    """None if the constructor takes no less width."""

    def cut(self, size: str) -> Cut:
        """How the model is cut at a size that is not full: a narrow model that takes no less width is slim."""
        if size != Size.NARROW or self.narrow is None:
            return self.slim
        return replace(self.slim, args=self.narrow.args, params=self.narrow.params, same_as=None)

    def params_at(self, size: str) -> int:
        """The number of parameters at a size."""
        return self.params if size == Size.FULL else self.cut(size).params

    @property
    def layer_scale(self) -> bool:
        """Whether the model has a LayerScale; a control does not."""
        return bool(self.gamma_keys or self.beta_keys or self.scale_keys)

    @cached_property
    def traits(self) -> dict[str, Any]:
        """The traits that a rule's `where` can test, by name."""
        facts = {name: fact for name, fact in asdict(self).items() if name not in HOW_TO_RUN}
        return {**facts, "input_size": self.input_size[1], "layer_scale": self.layer_scale}

    @property
    def kind(self) -> tuple[Any, ...]:
        """The family, and for each trait whether the model has it. `--quick` runs one model per kind."""
        return (
            self.family,
            self.gamma_keys > 0,
            self.beta_keys > 0,
            self.scale_keys > 0,
            self.non_persistent_buffers > 0,
            self.batch_norm,
            self.classifier,
            self.feature_levels > 0,
            self.intermediates,
        )


BERT = Entry(
    model="bert",
    family="bert",
    params=0,
    input_size=(0, 0, 0),
    gamma_keys=0,
    beta_keys=0,
    scale_keys=0,
    non_persistent_buffers=0,
    batch_norm=False,
    classifier=False,
    feature_levels=0,
    intermediates=False,
    smallest_input=(0, 0, 0),
    slim=Cut({}, (0, 0, 0), 0),
)
"""The model of the routes without a timm model; its size does not matter."""


@dataclass(frozen=True)
class Catalog:
    """Every LayerScale model of one timm release, and those of `controls` that it has.

    `architectures` counts all that timm registers. `unbuilt` says of those that timm lists and cannot build what their
    constructor raises.
    """

    timm: str
    architectures: int
    controls: tuple[str, ...]
    entries: tuple[Entry, ...]
    unbuilt: Mapping[str, str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __getitem__(self, model: str) -> Entry:
        """The entry of a model, BERT included. Raises KeyError for a model that this timm lacks."""
        return self._by_name[model]

    def get(self, model: str) -> Entry | None:
        """The entry of a model; None for one that this catalog lacks."""
        return self._by_name.get(model)

    @cached_property
    def _by_name(self) -> dict[str, Entry]:
        return {entry.model: entry for entry in (*self.entries, BERT)}

    @property
    def has_controls(self) -> bool:
        """Whether every control that can be built has an entry. A catalog of selected models lacks some."""
        return {entry.model for entry in self.entries} >= set(self.controls) - self.unbuilt.keys()

    @cached_property
    def digest(self) -> str:
        """A digest of the catalog's content, for a run's header."""
        return hashlib.sha256(dumps(self).encode()).hexdigest()[:16]

    def smallest_of_each_kind(self) -> list[Entry]:
        """The quick models: for each distinct (family, traits) the one with the fewest parameters once slim."""
        smallest: dict[tuple[Any, ...], Entry] = {}
        for entry in sorted(self.entries, key=lambda e: (e.slim.params, e.model)):
            smallest.setdefault(entry.kind, entry)
        return sorted(smallest.values(), key=lambda e: e.model)


def dumps(catalog: Catalog) -> str:
    """The text of a catalog file: a header with the command that made it, then one line per model, sorted by name."""
    head = {
        "catalog": catalog.timm,
        "schema": SCHEMA,
        "made_by": f"nox -s catalog -- timm=={catalog.timm}",
        "architectures": catalog.architectures,
        "controls": list(catalog.controls),
        **({"unbuilt": dict(sorted(catalog.unbuilt.items()))} if catalog.unbuilt else {}),
    }
    rows: Iterable[dict[str, Any]] = (asdict(entry) for entry in sorted(catalog, key=lambda e: e.model))
    return "".join(json.dumps(row, separators=(", ", ": ")) + "\n" for row in (head, *rows))


def loads(text: str) -> Catalog:
    """The inverse of `dumps`. Raises ValueError for any text that is not a catalog of this schema."""
    head, *rows = [_object(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()] or [{}]
    if head.get("schema") != SCHEMA or catalog_fields.wrong(head, catalog_fields.HEAD):
        raise ValueError(f"not a catalog of schema {SCHEMA}")
    entries, unbuilt = tuple(map(entry_of, rows)), head.get("unbuilt") or {}
    return Catalog(head["catalog"], head["architectures"], tuple(head["controls"]), entries, unbuilt)


def _object(number: int, text: str) -> dict[str, Any]:
    line = parsed(text)
    if line is None:
        raise ValueError(f"line {number} is no object of JSON")
    return line


def entry_of(row: Mapping[str, Any]) -> Entry:
    """The inverse of `dataclasses.asdict` on an entry. Raises ValueError, naming the model, for another row."""
    unknown = [name for name in row if name not in catalog_fields.ENTRY]
    if wrong := [*catalog_fields.wrong(row, catalog_fields.ENTRY), *unknown]:
        raise ValueError(f"no line of a model of this format: {row.get('model')!r}; see {', '.join(wrong)}")
    slim = row["slim"]
    return Entry(
        **{**row, "input_size": tuple(row["input_size"]), "smallest_input": tuple(row["smallest_input"])}
        | {"slim": Cut(**{**slim, "input_size": tuple(slim["input_size"])})}
        | {"narrow": Narrow(**row["narrow"]) if row.get("narrow") else None}
    )


def path_in(folder: Path, timm: str) -> Path:
    """The path of a timm release's file in a folder of catalogs, or of fingerprints."""
    return folder / f"timm-{timm}.ndjson"


def read(folder: Path, timm: str) -> Catalog | None:
    """The catalog of a timm release in a folder, or None. Raises as `loads` does, and OSError."""
    path = path_in(folder, timm)
    return _parsed(path.read_text(encoding="utf-8")) if path.is_file() else None


@lru_cache(maxsize=64)
def _parsed(text: str) -> Catalog:
    """Cached: pairs of one timm share a catalog, and each reads it many times."""
    return loads(text)
