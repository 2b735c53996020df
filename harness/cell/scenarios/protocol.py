"""What a route is: one public road by which transformers loads timm weights, and what is met on it.

A route says how to save, load and run; what is compared, and what the outcome is, is decided elsewhere.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from torch import nn

from ...contract.catalog import Entry
from ..models.installed import Release
from ..models.native import Native, Outputs, Runs
from .context import CaseContext


@dataclass(frozen=True, eq=False)
class Written:
    """A checkpoint that transformers wrote: the names in its files, and those that they ought to be."""

    folder: Path
    names: Sequence[str]
    expected: Sequence[str]


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model that came back. `prefix` leads to the module inside it that `native` is held against.

    `info` is the loading report. `left_out` are native names that the road leaves out, or makes anew, on purpose;
    `absent` those that the checkpoint lacks, so that the report must name them. `saved` is the model that was saved,
    where all around the timm module is to be compared too. `by` is the library that loaded. One that `runs` must be
    run, too.
    """

    model: Any
    prefix: str
    native: Native
    info: Mapping[str, Any] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()
    saved: Any = None
    by: str = "transformers"
    runs: bool = True

    @property
    def timm_module(self) -> nn.Module:
        """The module inside the model."""
        module: nn.Module = self.model.get_submodule(self.prefix)
        return module


@dataclass(frozen=True, eq=False)
class Computed:
    """What comes out at the end, and what should: outputs under the same names, computed when they are compared.

    `loaded` is the model that computes them, where it is one whose modules can be traced.
    """

    outputs: Callable[[], Outputs]
    expected: Callable[[], Runs]
    loaded: Loaded | None = None


@dataclass(frozen=True)
class Damaged:
    """What is wrong with a checkpoint itself, before anything has loaded it."""

    what: str


Step = Written | Loaded | Computed | Damaged
Scenario = Iterator[Step]


class Route(Protocol):
    """One road. Everything that it calls in transformers or timm is public."""

    @property
    def name(self) -> str:
        """The route's name in matrix.yaml."""

    def unsupported(self, release: Release, entry: Entry) -> str | None:
        """Why this release or this model has no such road; None where it has. Nothing is loaded to find out."""

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """The ways that belong to this road, by name, each tried whatever became of the others.

        An only way has an empty name. Nothing is done before a leg is walked.
        """
