"""A case, and the closed sets of words in its id and its record. Standard library only."""

import functools
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

SEED: Final = 0  # of weights and inputs
HUB: Final = "hub"
SYNTHETIC: Final = "synthetic"
"""Where weights come from: the hub, or the seed."""


class Outcome(StrEnum):
    """What happened in a case, as a fact."""

    PASSED = "passed"
    DRIFTED = "drifted"
    KEYS = "keys"
    TENSORS = "tensors"
    FLAGS = "flags"
    OUTPUTS = "outputs"
    NONFINITE = "nonfinite"
    GRADIENTS = "gradients"
    REPORT = "report"
    LEAKED = "leaked"
    COST = "cost"
    ERROR = "error"
    CRASHED = "crashed"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out-of-memory"
    UNSUPPORTED = "unsupported"
    NOT_RUN = "not-run"


GREEN: Final = frozenset({Outcome.PASSED, Outcome.DRIFTED})
SKIPPED: Final = frozenset({Outcome.UNSUPPORTED, Outcome.NOT_RUN})
RED: Final = frozenset(Outcome) - GREEN - SKIPPED
SEVERITY: Final = (
    *(Outcome.CRASHED, Outcome.TIMEOUT, Outcome.KEYS, Outcome.TENSORS, Outcome.FLAGS, Outcome.NONFINITE),
    *(Outcome.OUTPUTS, Outcome.GRADIENTS, Outcome.REPORT, Outcome.LEAKED, Outcome.COST, Outcome.OUT_OF_MEMORY),
    *(Outcome.ERROR, Outcome.DRIFTED, Outcome.PASSED, Outcome.UNSUPPORTED, Outcome.NOT_RUN),
)
"""Every outcome, the worst first. State comes before outputs, and an exception hides nothing that was found before."""


class Size(StrEnum):
    """How much of a model is built."""

    NARROW = "narrow"
    SLIM = "slim"
    FULL = "full"

    @property
    def is_cut(self) -> bool:
        """Whether blocks that repeat are left out."""
        return self is not Size.FULL


DEFAULT_SIZE: Final = Size.SLIM
DEFAULT_VARIANT: Final = "safetensors"
OWN_VARIANTS: Final = (DEFAULT_VARIANT, "sharded", "bin")
"""How the checkpoint of a user model is stored."""


@dataclass(frozen=True, order=True)
class Case:
    """One route on one model, checkpoint variant and size, within a pair and a lane."""

    route: str
    model: str
    variant: str = DEFAULT_VARIANT
    size: Size = DEFAULT_SIZE

    @functools.cached_property  # a hundred thousand cases are looked up by it, several times each
    def id(self) -> str:
        """`route/model@variant+size`, without the default variant and size."""
        variant = "" if self.variant == DEFAULT_VARIANT else f"@{self.variant}"
        size = "" if self.size == DEFAULT_SIZE else f"+{self.size}"
        return f"{self.route}/{self.model}{variant}{size}"

    @classmethod
    def parse(cls, text: str) -> "Case":
        """The inverse of `id`. Raises ValueError for any other text."""
        route, slash, rest = text.partition("/")
        rest, _, size = rest.partition("+")
        model, _, variant = rest.partition("@")
        if not (route and slash and model) or (size and size not in list(Size)):
            raise ValueError(f"{text!r} is no case id; one reads route/model@variant+size")
        return cls(route, model, variant or DEFAULT_VARIANT, Size(size) if size else DEFAULT_SIZE)
