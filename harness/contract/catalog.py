"""The catalog of one timm release: a line a model, read and written here, on both sides of the wall.

The lines are made by `cell.models.catalog_builder` inside an environment that has that timm. Standard library only.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from ..contract.package import FOLDER

SCHEMA = 4
PACKAGED = FOLDER / "catalogs"
HOW_TO_RUN = frozenset({"slim", "smallest_input"})
"""What an entry says of how a model is run here, which is no trait of the model."""


@dataclass(frozen=True)
class Slim:
    """How a model is cut: full width, one of each distinct block, the smallest valid input.

    `args` are constructor arguments that replace timm's; `input_size` is (channels, height, width).
    `creatable` is whether `timm.create_model` takes those arguments too. `fallback` says why the model could not be
    cut, and is None where it was. `same_as` names the first model of the catalog that is the same once slim, and is
    None where that is this one.
    """

    args: Mapping[str, Any]
    input_size: tuple[int, int, int]
    params: int
    creatable: bool = False
    fallback: str | None = None
    same_as: str | None = None


@dataclass(frozen=True)
class Entry:
    """One architecture of timm and its traits, read from the architecture itself.

    The `*_keys` fields count state-dict keys; `non_persistent_buffers` counts buffers that no checkpoint holds;
    `scale_keys` counts LayerScale parameters whose name has neither gamma nor beta; `feature_levels` is 0 where timm
    offers no `features_only`; `intermediates` is whether it has `forward_intermediates`; `classifier` is whether the
    architecture can have a classification head. `smallest_input` is the smallest that it accepts as timm builds it.
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
    slim: Slim = field(compare=False)

    @property
    def layer_scale(self) -> bool:
        """Whether the model has what this project is about; a control does not."""
        return bool(self.gamma_keys or self.beta_keys or self.scale_keys)

    @cached_property
    def traits(self) -> dict[str, Any]:
        """The facts that a rule's `where` can ask for, by name."""
        facts = {name: fact for name, fact in asdict(self).items() if name not in HOW_TO_RUN}
        return {**facts, "input_size": self.input_size[1], "layer_scale": self.layer_scale}

    @property
    def kind(self) -> tuple[Any, ...]:
        """What `quick` keeps one model of: the family, and which traits there are, not how much of each."""
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
    slim=Slim({}, (0, 0, 0), 0),
)
"""The model of the one route in which there is none of timm's; its size does not matter."""


@dataclass(frozen=True)
class Catalog:
    """Every LayerScale model of one timm release, and those of `controls` that it has, among so many architectures."""

    timm: str
    architectures: int
    controls: tuple[str, ...]
    entries: tuple[Entry, ...]

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __getitem__(self, model: str) -> Entry:
        """The entry of a model, also of the one that is none of timm's; KeyError where this timm has none."""
        return self._by_name[model]

    @cached_property
    def _by_name(self) -> dict[str, Entry]:
        return {entry.model: entry for entry in (*self.entries, BERT)}

    @property
    def has_controls(self) -> bool:
        """Whether it is of all models: one of some alone lacks the controls."""
        return {entry.model for entry in self.entries} >= set(self.controls)

    @cached_property
    def digest(self) -> str:
        """Names the catalog's content in a run's header."""
        return hashlib.sha256(dumps(self).encode()).hexdigest()[:16]

    def smallest_of_each_kind(self) -> list[Entry]:
        """The quick models: for each distinct (family, traits) the one with the fewest parameters once slim."""
        best: dict[tuple[Any, ...], Entry] = {}
        for entry in sorted(self.entries, key=lambda e: (e.slim.params, e.model)):
            best.setdefault(entry.kind, entry)
        return sorted(best.values(), key=lambda e: e.model)


def dumps(catalog: Catalog) -> str:
    """The text of a catalog file: what made it, then a line a model in the order of names."""
    head = {
        "catalog": catalog.timm,
        "schema": SCHEMA,
        "made_by": f"nox -s catalog -- timm=={catalog.timm}",
        "architectures": catalog.architectures,
        "controls": list(catalog.controls),
    }
    rows: Iterable[dict[str, Any]] = (asdict(entry) for entry in sorted(catalog, key=lambda e: e.model))
    return "".join(json.dumps(row, separators=(", ", ": ")) + "\n" for row in (head, *rows))


def loads(text: str) -> Catalog:
    """The inverse of `dumps`. Raises ValueError for a text that is no catalog of this schema."""
    lines = [json.loads(line) for line in text.splitlines() if line.strip()]
    if not lines or lines[0].get("schema") != SCHEMA or "catalog" not in lines[0]:
        raise ValueError(f"not a catalog of schema {SCHEMA}")
    head, *rows = lines
    return Catalog(head["catalog"], head["architectures"], tuple(head["controls"]), tuple(map(entry_of, rows)))


def entry_of(row: Mapping[str, Any]) -> Entry:
    """The inverse of `dataclasses.asdict` on an entry."""
    slim = row["slim"]
    return Entry(
        **{**row, "input_size": tuple(row["input_size"]), "smallest_input": tuple(row["smallest_input"])}
        | {"slim": Slim(**{**slim, "input_size": tuple(slim["input_size"])})}
    )


def path_in(folder: Path, timm: str) -> Path:
    """Where the catalog of a timm release lies in a folder."""
    return folder / f"timm-{timm}.ndjson"


def read(folder: Path, timm: str) -> Catalog | None:
    """The catalog of a timm release in a folder; None where there is none."""
    path = path_in(folder, timm)
    return _parsed(path.read_text()) if path.is_file() else None


@lru_cache(maxsize=64)
def _parsed(text: str) -> Catalog:
    """Pairs of one timm share a catalog, and each is asked for it many times."""
    return loads(text)
