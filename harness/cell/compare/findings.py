"""The differences between a loaded model and native timm, and the outcome that follows from them."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ...contract.case import SEVERITY, Outcome
from ...contract.finding import Finding

OUT_OF_MEMORY: Final = frozenset({"MemoryError", "OutOfMemoryError"})  # Python's, and torch's on a GPU


@dataclass(frozen=True)
class NameDifference:
    """Names that only one side has, and names `mismatched` in shape. `where` says which two sides were compared.

    `scenario` is where they were; `because` names the cause, if the names show one.
    """

    where: str
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    mismatched: tuple[str, ...] = ()
    scenario: str = ""
    because: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """All names that differ."""
        return (*self.missing, *self.unexpected, *self.mismatched)


@dataclass(frozen=True)
class TensorDifference:
    """A parameter or buffer that differs from the saved one.

    `how` describes the difference with figures, `looks` without them, so that it is the same for tensors with the same
    cause. `scenario` is where it was loaded.
    """

    name: str
    kind: str
    looks: str
    how: str
    scenario: str = ""


@dataclass(frozen=True)
class OutputDifference:
    """How far one output is off. `max_abs` is NaN if a value is; `holds` says whether the output is within tolerance.

    `noise` is NaN if nothing differs, since it is not measured then. `how` describes an output that is missing or has
    another shape, for which `max_abs` is NaN too. `scenario` is where it was computed; `of_state` says whether the
    model's names or tensors differ, so that outputs that differ follow from it.
    """

    name: str
    max_abs: float
    largest: float
    noise: float
    drift_floor: float
    holds: bool
    finite: bool
    how: str = ""
    scenario: str = ""
    of_state: bool = False

    @property
    def label(self) -> str:
        """The name, with the scenario if that has one."""
        return f"{self.name} ({self.scenario})" if self.scenario else self.name


@dataclass(frozen=True)
class OtherDifference:
    """A difference that needs no figures: in flags, gradients, what a library reports, the process, or the cost."""

    finding: Finding
    scenario: str = ""


@dataclass
class Findings:
    """All that was found: names, tensors, outputs, other differences, exceptions."""

    names: list[NameDifference] = field(default_factory=list)
    tensors: list[TensorDifference] = field(default_factory=list)
    outputs: list[OutputDifference] = field(default_factory=list)
    others: list[OtherDifference] = field(default_factory=list)
    errors: list[Mapping[str, Any]] = field(default_factory=list)
    diverges: str | None = None

    @classmethod
    def together(cls, scenarios: "Iterable[Findings]") -> "Findings":
        """The findings of all scenarios of a case."""
        together = cls()
        for findings in scenarios:
            together.names += findings.names
            together.tensors += findings.tensors
            together.outputs += findings.outputs
            together.others += findings.others
            together.errors += findings.errors
            together.diverges = together.diverges or findings.diverges
        return together

    @property
    def figures(self) -> dict[str, float | None]:
        """The largest differences over all outputs, as fields of a record; None if no output was compared."""
        if not self.outputs:
            return {"max_abs": None, "max_rel": None, "noise": None}
        return {
            "max_abs": _worst(output.max_abs for output in self.outputs),
            "max_rel": _worst(_ratio(output) for output in self.outputs),
            "noise": max((output.noise for output in self.outputs if not math.isnan(output.noise)), default=None),
        }

    @property
    def fails(self) -> bool:
        """Whether anything is not green."""
        return self.differ or bool(self.errors) or bool(self.others)

    @property
    def differ(self) -> bool:
        """Whether any name, tensor or output differs."""
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
        kinds = {difference.finding.kind for difference in self.others}
        if any(not output.holds for output in self.outputs):
            kinds.add(Outcome.OUTPUTS if all(output.finite for output in self.outputs) else Outcome.NONFINITE)
        if kinds:
            return min(kinds, key=SEVERITY.index)
        if self.errors:
            return Outcome.OUT_OF_MEMORY if self.errors[0]["type"] in OUT_OF_MEMORY else Outcome.ERROR
        drifted = any(output.max_abs > output.drift_floor and output.max_abs > output.noise for output in self.outputs)
        return Outcome.DRIFTED if drifted else Outcome.PASSED


def _worst(figures: Iterable[float]) -> float:
    """The largest figure; NaN counts as the largest."""
    return max(figures, key=lambda figure: math.inf if math.isnan(figure) else figure)


def _ratio(output: OutputDifference) -> float:
    return output.max_abs / output.largest if output.largest else output.max_abs
