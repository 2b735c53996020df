"""What a route implements, and the steps that its scenarios yield.

A route says how to save, load and run a model. Comparing the results and deciding the outcome happens elsewhere.
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
    """A checkpoint that transformers wrote: the names in its files, and the expected names."""

    folder: Path
    names: Sequence[str]
    expected: Sequence[str]


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model that was loaded. `prefix` leads to the module inside it that is compared with `native`.

    `info` is the loading report. `left_out` are native names that the route omits or makes anew on purpose. `absent`
    are names that the checkpoint lacks, so that the report must list them. `saved` is the model that was saved; with it
    the tensors around the timm module are compared too. `by` is the library that loaded the model. A model that `runs`
    must also be run.
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
        """The module below `prefix`."""
        module: nn.Module = self.model.get_submodule(self.prefix)
        return module


@dataclass(frozen=True, eq=False)
class Computed:
    """Outputs and the expected outputs, under the same names; both are computed when they are compared.

    `loaded` is the model that computes them, if its modules can be traced.
    """

    outputs: Callable[[], Outputs]
    expected: Callable[[], Runs]
    loaded: Loaded | None = None


@dataclass(frozen=True, eq=False)
class Described:
    """A config.json that a library wrote, `by` name, and fields that it must have there: dotted names with values."""

    folder: Path
    by: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Damaged:
    """Damage in a checkpoint's files, found before anything has loaded them."""

    message: str


Step = Written | Described | Loaded | Computed | Damaged
Scenario = Iterator[Step]


class Route(Protocol):
    """A public way by which transformers loads timm weights. It calls only public functions of both libraries."""

    @property
    def name(self) -> str:
        """The route's name in matrix.yaml."""

    def unsupported(self, release: Release, entry: Entry) -> str | None:
        """The reason why this release or this model lacks the route; None if it has it. Loads nothing."""

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """The scenarios of the route by name; each runs whatever the outcome of the others.

        A single scenario has an empty name. Nothing is done before a scenario is iterated.
        """
