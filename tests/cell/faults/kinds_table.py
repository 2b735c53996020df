"""Faults of each kind that a release can have, tried on the scenario that has to see them; and a table of them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch

from harness.cell.models.placement import Placement
from harness.cell.models.reference import ReferenceModel
from harness.cell.models.variants import VARIANTS
from harness.cell.routes import ROUTES
from harness.cell.scenarios import run_case
from harness.cell.scenarios.attempt import Attempt
from harness.cell.scenarios.context import CaseContext
from harness.contract.case import DEFAULT_VARIANT
from harness.contract.catalog import Catalog
from harness.contract.record import CaseLine
from tests.cell.faults.conftest import RELEASE, TOLERANCES
from tests.cell.faults.kinds import files, interface, maps, pictures, process, reports, tensors, training
from tests.cell.faults.outside import Fault, Reached
from tests.places import ROOT

KINDS: Mapping[str, Mapping[str, Fault]] = {
    "training": training.FAULTS,
    "interface": interface.FAULTS,
    "maps": maps.FAULTS,
    "reports": reports.FAULTS,
    "process": process.FAULTS,
    "tensors": tensors.FAULTS,
    "files": files.FAULTS,
    "pictures": pictures.FAULTS,
}
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


def rows(entries: Catalog) -> Iterator[str]:
    """The table: kind, fault, what sees it, outcome and reason; each row when it is done."""
    yield "| kind | fault | seen on | outcome | reason |"
    yield "| --- | --- | --- | --- | --- |"
    for kind, faults in KINDS.items():
        for name, fault in faults.items():
            with TemporaryDirectory() as folder:
                line = attempted(fault, entries, Path(folder), Reached())
            reason = fault.escapes or line.reason.replace("|", "\\|").replace(str(ROOT), "the project")
            yield f"{head(kind, name, fault)} {reason} |"


def head(kind: str, name: str, fault: Fault) -> str:
    """A row without its reason, whose figures depend on the machine."""
    variant = "" if fault.variant == DEFAULT_VARIANT else f"@{fault.variant}"
    where = f"`{fault.route}{variant}`" + (f", {fault.scenario}" if fault.scenario else "")
    return f"| {kind} | {name} | {where} | {'escapes' if fault.escapes else fault.outcome} |"
