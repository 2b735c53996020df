"""Each kind of fault of a release is caught on the scenario that looks at it, with a reason that names it."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

from harness.cell.models.placement import Placement
from harness.cell.models.reference import ReferenceModel
from harness.cell.models.variants import VARIANTS
from harness.cell.routes import ROUTES
from harness.cell.scenarios import run_case
from harness.cell.scenarios.attempt import Attempt
from harness.cell.scenarios.context import CaseContext
from harness.contract.case import GREEN
from harness.contract.catalog import Catalog
from harness.contract.record import CaseLine
from tests.cell.faults.conftest import RELEASE, TOLERANCES
from tests.cell.faults.kinds import files, interface, pictures, process, reports, tensors, training
from tests.cell.faults.outside import Fault, Reached

pytestmark = pytest.mark.slow

KINDS: Mapping[str, Mapping[str, Fault]] = {
    "training": training.FAULTS,
    "interface": interface.FAULTS,
    "reports": reports.FAULTS,
    "process": process.FAULTS,
    "tensors": tensors.FAULTS,
    "files": files.FAULTS,
    "pictures": pictures.FAULTS,
}
LIKE_OTHERS = frozenset(
    {
        "a custom model left in training mode",
        "the text tower comes back frozen",
        "another momentum of batch norms",
        "hidden states of a classifier reversed",
        "an oblong picture cut to a square",
        "a backbone's levels in another order",
        "a pixel mask of the first picture for all",
        "the report logged below a warning",
        "the report logged without names",
        "a new head of NaN",
        "a new head of large values",
        "a tie lost",
        "batch norms without an epsilon",
        "weights of a backbone come back as channels_last",
        "another number of threads",
        "loading seeds torch anew",
        "loading seeds numpy",
        "loading seeds Python",
        "loading silences one kind of warning",
        "loading forgets the filters of warnings",
        "timm writes no LayerScale",
        "timm writes no input size",
        "label names saved in order of the alphabet",
        "the number of classes not saved",
        "colours of an array in another order",
        "a batch in another order",
        "a smaller part of a picture",
    }
)
"""Faults that are tried with --all-faults: another one is seen by the same comparison."""
ALL = {name: fault for faults in KINDS.values() for name, fault in faults.items()}


def attempted(fault: Fault, entries: Catalog, folder: Path, reached: Reached | None = None) -> CaseLine:
    """The line of one attempt at the scenario that has to see a fault; with `reached` the fault is put in."""
    route, variant = ROUTES[fault.route], VARIANTS[fault.variant]
    # Anew for each: what a fault in timm does to the native outputs must not be kept.
    plain = ReferenceModel(entries[fault.model], "slim", Placement("cpu", torch.float32))
    reference = variant.stored(plain, RELEASE)
    context = CaseContext(reference, variant, RELEASE, folder / route.name)
    only = None if fault.scenario is None else [fault.scenario]
    with pytest.MonkeyPatch.context() as patch:
        if reached is not None:
            fault.put(patch, reached)
        return run_case._try(route, Attempt(context, TOLERANCES[torch.float32]), only)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.all_faults] * (name in LIKE_OTHERS))
        for name, fault in ALL.items()
        if not fault.escapes
    ],
)
def test_a_fault_of_a_kind_is_caught_and_named(entries: Catalog, tmp_path: Path, name: str) -> None:
    fault, reached = ALL[name], Reached()
    line = attempted(fault, entries, tmp_path, reached)
    assert reached.times > 0
    assert line.outcome == fault.outcome, line.reason
    assert fault.reason in line.reason


@pytest.mark.parametrize("name", [name for name, fault in ALL.items() if fault.escapes])
def test_a_fault_that_escapes_is_known_to(entries: Catalog, tmp_path: Path, name: str) -> None:
    fault, reached = ALL[name], Reached()
    line = attempted(fault, entries, tmp_path, reached)
    assert reached.times > 0
    assert line.outcome in GREEN, f"{line.reason}: seen by now, so it belongs to the others"
