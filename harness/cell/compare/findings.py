"""What was found to differ between a loaded model and native timm, and the outcome that it makes."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ...contract.case import Outcome

OUT_OF_MEMORY: Final = frozenset({"MemoryError", "OutOfMemoryError"})  # Python's, and torch's on a GPU


@dataclass(frozen=True)
class NameDifference:
    """Names that one side has and the other has not. `where` says which two were compared."""

    where: str
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    mismatched: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All that differ."""
        return (*self.missing, *self.unexpected, *self.mismatched)


@dataclass(frozen=True)
class TensorDifference:
    """One parameter or buffer that is not what was saved.

    `how` says in words in what way, with figures; `looks` without them, so that tensors of one cause look alike. `leg`
    is the way of the road on which it was met.
    """

    name: str
    kind: str
    looks: str
    how: str
    scenario: str = ""


@dataclass(frozen=True)
class OutputDifference:
    """How far one output is off. `max_abs` is NaN where a comparison was one with NaN; `holds` is the verdict on it.

    `noise` is NaN where nothing differs, for then nobody measured it. `how` says what is wrong where it is no distance.
    """

    name: str
    max_abs: float
    largest: float
    noise: float
    drift_floor: float
    holds: bool
    finite: bool
    how: str = ""


@dataclass
class Findings:
    """All that a case found, in the order of the contract: names, then tensors, then outputs, then exceptions."""

    names: list[NameDifference] = field(default_factory=list)
    tensors: list[TensorDifference] = field(default_factory=list)
    outputs: list[OutputDifference] = field(default_factory=list)
    errors: list[Mapping[str, Any]] = field(default_factory=list)
    diverges: str | None = None

    @property
    def figures(self) -> dict[str, float | None]:
        """The largest differences over all outputs, as a record has them; None where nothing was compared."""
        if not self.outputs:
            return {"max_abs": None, "max_rel": None, "noise": None}
        return {
            "max_abs": _worst(one.max_abs for one in self.outputs),
            "max_rel": _worst(_ratio(one) for one in self.outputs),
            "noise": max((one.noise for one in self.outputs if not math.isnan(one.noise)), default=None),
        }

    @property
    def failures(self) -> int:
        """How much was found that is not green."""
        outputs = sum(not output.holds for output in self.outputs)
        return len(self.names) + len(self.tensors) + outputs + len(self.errors)

    @property
    def differ(self) -> bool:
        """Whether anything at all differs."""
        return not (self.state_holds and all(output.holds for output in self.outputs))

    @property
    def state_holds(self) -> bool:
        """Whether names and tensors agree."""
        return not self.names and not self.tensors

    @property
    def outcome(self) -> Outcome:
        """The first that applies; an exception does not hide what was found before it."""
        if self.names:
            return Outcome.KEYS
        if self.tensors:
            return Outcome.TENSORS
        if any(not output.finite for output in self.outputs):
            return Outcome.NONFINITE
        if any(not output.holds for output in self.outputs):
            return Outcome.OUTPUTS
        if self.errors:
            return Outcome.OUT_OF_MEMORY if self.errors[0]["type"] in OUT_OF_MEMORY else Outcome.ERROR
        drifted = any(output.max_abs > output.drift_floor and output.max_abs > output.noise for output in self.outputs)
        return Outcome.DRIFTED if drifted else Outcome.PASSED


def _worst(figures: Iterable[float]) -> float:
    """The largest figure, NaN being larger than all."""
    return max(figures, key=lambda figure: math.inf if math.isnan(figure) else figure)


def _ratio(output: OutputDifference) -> float:
    return output.max_abs / output.largest if output.largest else output.max_abs
