"""What a route implements, and the steps that its scenarios yield.

A route says how to save, load and run a model. Comparing the results and deciding the outcome happens elsewhere.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor, nn

from ...contract.catalog import Entry
from ...contract.fingerprints import Print
from ..models.installed import Release
from ..models.native import Native, Outputs, Runs
from .context import CaseContext


@dataclass(frozen=True, eq=False)
class Written:
    """A checkpoint that a library wrote, `by` name: the names in its files, and the expected names.

    `state` has the tensors that were to be written, by their names in the files.
    """

    folder: Path
    names: Sequence[str]
    expected: Sequence[str]
    by: str = "transformers"
    state: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model that was loaded. `prefix` leads to the module inside it that is compared with `native`.

    `info` is the loading report. `left_out` are native names that the route omits or makes anew on purpose. `absent`
    are names that the checkpoint lacks, so that the report must list them. `saved` is the model that was saved; with it
    the tensors around the timm module are compared too. `by` is the library that loaded the model. A model that `runs`
    must also be run. A module that the library `alters` on purpose, as detectors freeze parts of theirs, has the
    flags of the saved model's. Without `scales` it need not have a LayerScale.
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
    alters: bool = False
    scales: bool = True

    @property
    def timm_module(self) -> nn.Module:
        """The module below `prefix`."""
        module: nn.Module = self.model.get_submodule(self.prefix)
        return module


class Back(Enum):
    """Where the gradients of outputs are compared: of a pass back, or of which parameters it would reach."""

    NEVER = "never"
    """Users compute none by it."""
    FIRST = "first"
    """By what it would reach; of a quick model by a pass in the first scenario, whose code all others share."""
    EACH = "each"
    """By a pass wherever it is."""


@dataclass(frozen=True, eq=False)
class Computed:
    """Outputs and the expected outputs, under the same names; both are computed when they are compared.

    `loaded` is the model that computes them, if its modules can be traced. `back` says how gradients are compared;
    what is not run `twice` calls the model several times itself.
    """

    outputs: Callable[[], Outputs]
    expected: Callable[[], Runs]
    loaded: Loaded | None = None
    back: Back = Back.FIRST
    twice: bool = True


@dataclass(frozen=True, eq=False)
class Described:
    """A configuration, a mapping or an object, and the fields that it must have: dotted names with values.

    `where` names it in a sentence.
    """

    where: str
    actual: Any
    fields: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Reported:
    """A loading report, and the names that the checkpoint lacks or has too many, which it must list.

    The warnings captured so far must name those in `warned`. `mismatched` are those of another shape.
    """

    info: Mapping[str, Any]
    missing: frozenset[str]
    unexpected: frozenset[str]
    warned: frozenset[str]
    mismatched: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Refused:
    """A call that must raise an exception that names a tensor; `what` says what is asked of the library."""

    what: str
    call: Callable[[], Any]
    name: str


@dataclass(frozen=True, eq=False)
class Recorded:
    """The fingerprints of timm's own outputs by name, and what probes raised that gave none, by the probe's name.

    `recorded` are the fingerprints to compare them with, by words that follow "computes otherwise than".
    """

    outputs: Mapping[str, Print]
    raised: Mapping[str, Exception]
    recorded: Mapping[str, Mapping[str, Print]]


@dataclass(frozen=True, eq=False)
class Fresh:
    """A loaded module, and the names of parameters that were made anew, so that their values are no checkpoint's."""

    module: nn.Module
    names: frozenset[str]


@dataclass(frozen=True)
class Damaged:
    """Damage in a checkpoint's files, found before anything has loaded them."""

    message: str


Step = Written | Described | Reported | Refused | Recorded | Fresh | Loaded | Computed | Damaged
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
