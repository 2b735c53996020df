"""What a route is: one public road by which transformers loads timm weights.

A route only says how to save, load and run; what is compared, and what the outcome is, is decided elsewhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from packaging.version import Version
from torch import Tensor, nn

from harness.catalog import Entry
from harness.cell.subject import Native, Runs, Subject


@dataclass(frozen=True)
class Release:
    """The two libraries as they are installed."""

    transformers: Version
    timm: Version


@dataclass(frozen=True, eq=False)
class Saved:
    """A checkpoint on disk.

    Where transformers wrote it, `whole` is the model that was saved, and `names` are those of the timm module's tensors
    in the files; both are None for a checkpoint that timm's users wrote.
    """

    folder: Path
    names: Sequence[str] | None = None
    whole: Any = None


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model that transformers gave back. `prefix` leads to the timm module inside it.

    `info` is the loading report; `left_out` are the timm names that the route leaves out, or makes anew, on purpose.
    `how` tells the loads of one case apart; `compares` is whether its outputs are comparable with what was saved.
    """

    model: Any
    prefix: str
    info: Mapping[str, Any]
    left_out: frozenset[str] = frozenset()
    how: str = "loaded"
    compares: bool = True

    @property
    def timm_module(self) -> nn.Module:
        """The timm module inside the model."""
        module: nn.Module = self.model.get_submodule(self.prefix)
        return module


class Route(Protocol):
    """One road. Everything that it calls in transformers or timm is public."""

    @property
    def name(self) -> str:
        """The route's name in matrix.yaml."""

    def unsupported(self, release: Release, entry: Entry) -> str | None:
        """Why this release or this model has no such road; None where it has. Nothing is loaded to find out."""

    def native(self, subject: Subject) -> Native:
        """The timm module that the road's result is held against."""

    def save(self, subject: Subject, folder: Path) -> Saved:
        """Write a checkpoint as this road finds it."""

    def load(self, subject: Subject, saved: Saved) -> Iterator[Loaded]:
        """Load it in every way that belongs to this road, one after the other."""

    def expected(self, subject: Subject, saved: Saved) -> Runs:
        """What the saved model computes, run twice."""

    def outputs(self, subject: Subject, loaded: Loaded) -> Mapping[str, Tensor]:
        """What the loaded model computes, under the names of `expected`."""
