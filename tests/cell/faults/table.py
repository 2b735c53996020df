"""Which fault in a library shows on which road: every one of both, tried.

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
from harness.contract import catalog
from harness.contract.case import GREEN
from harness.contract.catalog import BERT
from harness.contract.routes import ROUTES as ROWS
from tests.cell.faults.conftest import TOLERANCES
from tests.cell.faults.faulty import Intercepted
from tests.cell.faults.outside import FAULTS, Fault, Reached

OWN: Final = {"vlm": "eva02_tiny_patch14_224", "legacy-layernorm": BERT.model}  # roads with models of their own
ULPS: Final = 8
RED_ANYWAY, NOT_REACHED, IDENTICAL, ESCAPED = "red anyway", "not reached", "identical", "ESCAPED"
SHORT: Final = {RED_ANYWAY: "◐", NOT_REACHED: "·", IDENTICAL: "=", "unsupported": "-"}
HEAD: Final = """\
<!-- Made by python -m tests.cell.faults.table > tests/cell/faults/README.md; do not edit. -->

# Faults

Each fault of `outside.py`, put into the libraries from outside, on every road, with transformers {transformers} and
timm {timm}. A cell has the outcome, or:

- ◐ the road is broken on this pair without the fault too
- · the fault's own counter says that the road never came to it
- = it was reached, and changed nothing here, looked at beside the harness: all that was loaded is bit for bit what it
  is without the fault, and all that was computed within 8 units in the last place, which is how far it moves with where
  weights lie in memory; as where the road leaves out the weight that the fault changed
- \\- the model has no such road

`drifted` is seen, and green: what the fault changed stays within the tolerance.

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
        faulty, changed = _tried(route, model, variant)
    if reached.times == 0:
        return NOT_REACHED
    if faulty not in GREEN:
        return faulty
    if changed.alike(sound):
        return IDENTICAL
    return ESCAPED if faulty == outcome else faulty


@dataclass
class Witness(Intercepted):
    """A road, and what is loaded and computed on it, whatever the harness makes of that."""

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
        """Whether both saw the same, as the page says."""
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


def _alike(one: Outputs, two: Outputs) -> bool:
    return one.keys() == two.keys() and all(_close(one[name], two[name]) for name in one)


def _close(one: Tensor, two: Tensor) -> bool:
    if one.shape != two.shape or one.dtype != two.dtype:
        return False
    return bool((one - two).abs().max() <= ULPS * torch.finfo(one.dtype).eps * two.abs().max())


@functools.cache
def _sound(route: str, model: str, variant: str) -> tuple[str, Witness]:
    """What comes of the road without a fault."""
    return _tried(route, model, variant)


def _tried(route: str, model: str, variant: str) -> tuple[str, Witness]:
    """The outcome, and what was seen."""
    witness = Witness(ROUTES[route])
    with tempfile.TemporaryDirectory() as folder:
        fields = run_case.run(
            witness, VARIANTS[variant], _subject(model), _release(), TOLERANCES[torch.float32], Path(folder)
        )
    return fields.outcome, witness


@functools.cache
def _release() -> Release:
    return Release.installed()


@functools.cache
def _subject(model: str) -> ReferenceModel:
    found = catalog.read(catalog.PACKAGED, str(_release().timm))
    assert found is not None
    return ReferenceModel(found[model], "slim", Placement("cpu", torch.float32))


def _row(first: str, rest: Any) -> str:
    return f"| {' | '.join((first, *rest))} |"


def main() -> None:
    """Print the page, a row as soon as it is there."""
    release = _release()
    sys.stdout.write(HEAD.format(transformers=release.transformers, timm=release.timm))
    print(_row("fault", ROUTES))  # noqa: T201
    print(_row("---", ("---" for _ in ROUTES)))  # noqa: T201
    for name in FAULTS:
        print(line(name), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
