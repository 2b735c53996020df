"""Tables of faults: which shows on which route, from running each combination; and what sees one of each kind.

python -m tests.cell.faults.table > tests/cell/faults/README.md, in the environment of the current pair. Takes minutes.
"""

import functools
import hashlib
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import pytest
import torch
from torch import Tensor

from harness.cell.models.installed import Release
from harness.cell.models.native import Outputs
from harness.cell.models.placement import Placement, tensors_of
from harness.cell.models.reference import ReferenceModel
from harness.cell.models.variants import VARIANTS
from harness.cell.routes import ROUTES
from harness.cell.scenarios import run_case
from harness.cell.scenarios.protocol import Computed, Loaded, Scenario
from harness.contract.case import GREEN
from harness.contract.catalog import BERT, Catalog
from harness.contract.routes import OF_TEXT
from harness.contract.routes import ROUTES as ROWS
from harness.environments import catalog_history
from tests.cell.faults import kinds_table
from tests.cell.faults.conftest import TOLERANCES
from tests.cell.faults.faulty import Intercepted
from tests.cell.faults.outside import FAULTS, Fault, Reached

# Routes with models of their own.
OWN: Final = {"vlm": "eva02_tiny_patch14_224", **dict.fromkeys(OF_TEXT, BERT.model)}
ULPS: Final = 8
RED_ANYWAY, NOT_REACHED, IDENTICAL, ESCAPED = "red anyway", "not reached", "identical", "ESCAPED"
SHORT: Final = {RED_ANYWAY: "◐", NOT_REACHED: "·", IDENTICAL: "=", "unsupported": "-"}
HEAD: Final = """\
<!-- Made by python -m tests.cell.faults.table > tests/cell/faults/README.md; do not edit. -->

# Faults

## Names, values and outputs

Each fault of `outside.py`, put into the libraries from outside, on every route, with transformers {transformers} and
timm {timm}. A cell has the outcome, or:

- ◐ the route is broken on this pair without the fault too
- · the fault changed nothing, by its own counter: the route does not reach it
- = the fault was reached without effect, measured beside the harness: loaded tensors are bit for bit those without the
  fault, and outputs agree within 8 units in the last place, by which they vary with the address of weights; so where a
  route omits the weight that the fault changed
- \\- the model has no such route

`drifted` is green: the fault shows, and stays within the tolerance.

"""
HEAD_OF_KINDS: Final = """
## Of each kind

Each fault of `kinds/`, put in likewise, on the scenario that has to see it, with the reason that the case gives; or why
the fault escapes.

"""


def line(name: str) -> str:
    """A fault's row of the table."""
    return _row(name, (SHORT.get(cell, cell) for cell in (_cell(FAULTS[name], route) for route in ROUTES)))


def _cell(fault: Fault, route: str) -> str:
    model = OWN.get(route, fault.model)
    variant = fault.variant if fault.variant in ROWS[route].variants else "safetensors"
    outcome, sound = _sound(route, model, variant)
    if outcome == "unsupported":
        return "unsupported"
    if outcome not in GREEN:
        return RED_ANYWAY
    reached = Reached()
    with pytest.MonkeyPatch.context() as patch:
        fault.put(patch, reached)
        faulty, changed = _run(route, model, variant)
    if reached.times == 0:
        return NOT_REACHED
    if faulty not in GREEN:
        return faulty
    if changed.alike(sound):
        return IDENTICAL
    return ESCAPED if faulty == outcome else faulty


@dataclass
class Witness(Intercepted):
    """A route that keeps what it loaded and computed, independent of the harness's comparison."""

    loaded: list[str] = field(default_factory=list)  # hashes
    computed: list[dict[str, Tensor]] = field(default_factory=list)

    def _intercept(self, scenario: Scenario) -> Scenario:
        for step in scenario:
            match step:
                case Loaded():
                    self.loaded.append(_hash(tensors_of(step.model)))
                    yield step
                case Computed():
                    yield replace(step, outputs=lambda step=step: self._kept(step.outputs()))  # type: ignore[misc]
                case _:
                    yield step

    def _kept(self, outputs: Outputs) -> Outputs:
        self.computed.append({name: tensor.detach().clone() for name, tensor in outputs.items()})
        return outputs

    def alike(self, other: "Witness") -> bool:
        """Whether both loaded and computed the same, as the page defines it."""
        return (
            self.loaded == other.loaded
            and len(self.computed) == len(other.computed)
            and all(map(_alike, self.computed, other.computed))
        )


def _hash(tensors: Mapping[str, Tensor]) -> str:
    whole = hashlib.sha256()
    for name, tensor in tensors.items():
        whole.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        whole.update(tensor.detach().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return whole.hexdigest()


def _alike(first: Outputs, second: Outputs) -> bool:
    return first.keys() == second.keys() and all(_close(first[name], second[name]) for name in first)


def _close(first: Tensor, second: Tensor) -> bool:
    if first.shape != second.shape or first.dtype != second.dtype:
        return False
    return bool((first - second).abs().max() <= ULPS * torch.finfo(first.dtype).eps * second.abs().max())


@functools.cache
def _sound(route: str, model: str, variant: str) -> tuple[str, Witness]:
    """The result of a route without a fault."""
    return _run(route, model, variant)


def _run(route: str, model: str, variant: str) -> tuple[str, Witness]:
    """The outcome, and the witness."""
    witness = Witness(ROUTES[route])
    with tempfile.TemporaryDirectory() as folder:
        fields = run_case.run(
            witness, VARIANTS[variant], _reference(model), _release(), TOLERANCES[torch.float32], Path(folder)
        )
    return fields.outcome, witness


@functools.cache
def _release() -> Release:
    return Release.installed()


@functools.cache
def _reference(model: str) -> ReferenceModel:
    return ReferenceModel(_entries()[model], "slim", Placement("cpu", torch.float32))


@functools.cache
def _entries() -> Catalog:
    found = catalog_history.read(str(_release().timm))
    assert found is not None
    return found


def _row(first: str, rest: Any) -> str:
    return f"| {' | '.join((first, *rest))} |"


def main() -> None:
    """Print the page, each row when it is done."""
    release = _release()
    sys.stdout.write(HEAD.format(transformers=release.transformers, timm=release.timm))
    print(_row("fault", ROUTES))  # noqa: T201
    print(_row("---", ("---" for _ in ROUTES)))  # noqa: T201
    for name in FAULTS:
        print(line(name), flush=True)  # noqa: T201
    sys.stdout.write(HEAD_OF_KINDS)
    for row in kinds_table.rows(_entries()):
        print(row, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
