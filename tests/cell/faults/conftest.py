from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import pytest
import torch
from packaging.version import Version

from harness.cell.models.installed import Release
from harness.cell.models.placement import Placement
from harness.cell.models.reference import ReferenceModel
from harness.cell.models.variants import VARIANTS
from harness.cell.scenarios import run_case
from harness.cell.scenarios.protocol import Route
from harness.contract import catalog
from harness.contract.case import SEED, Case
from harness.contract.plan import Limits, Plan, Tolerance
from harness.contract.record import CaseLine
from harness.environments import catalog_history
from tests.places import TIMM, TRANSFORMERS

TOLERANCES = {torch.float32: Tolerance(rtol=1e-5, atol=1e-5), torch.bfloat16: Tolerance(rtol=2e-2, atol=2e-2)}
RELEASE = Release(transformers=Version(TRANSFORMERS), timm=Version(TIMM), torch=Release.installed().torch)


class Attempt(Protocol):
    """Runs one case and gives its line."""

    def __call__(
        self, route: Route, model: str, variant: str = "safetensors", dtype: Any = torch.float32, *, quick: bool = True
    ) -> CaseLine: ...


def plan_of(cases: Sequence[Case], entries: catalog.Catalog, **more: Any) -> Plan:
    """A plan of these cases on the CPU, as the plugin reads it."""
    fields: dict[str, Any] = {
        "pair": {"id": "p"},
        "lane": "cpu-float32",
        "cases": tuple(cases),
        "entries": tuple(entries[model] for model in dict.fromkeys(case.model for case in cases)),
        "same_as": {},
        "quick": tuple(case.model for case in cases),
        "rules": (),
        "tolerance": TOLERANCES[torch.float32],
        "costs": None,
        "limits": Limits(seconds=300, full_seconds=None, memory_gib=None, disk_gib=None),
        "seed": SEED,
        "selection": {},
        "cell": {},
        "catalog": None,
        "lock": None,
        "handover": {},
        "needs": {},
        "room": (0.0, 0.0),
        "gpus": (),
        "own": None,
        "weights": None,
        "here": "",
        "fallbacks": 0,
    }
    return Plan(**fields | more)


@pytest.fixture(autouse=True)
def _own_dtype() -> Iterator[None]:
    """What a fault left in torch does not reach the next test."""
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture(scope="session")
def entries() -> catalog.Catalog:
    found = catalog_history.read(TIMM)
    assert found is not None
    return found


@pytest.fixture(scope="session")
def reference(entries: catalog.Catalog) -> Callable[..., ReferenceModel]:
    made: dict[tuple[str, Any], ReferenceModel] = {}

    def of(model: str, dtype: Any = torch.float32) -> ReferenceModel:
        if (model, dtype) not in made:
            made[model, dtype] = ReferenceModel(entries[model], "slim", Placement("cpu", dtype))
        return made[model, dtype]

    return of


@pytest.fixture
def attempt(reference: Callable[..., ReferenceModel], tmp_path: Path) -> Attempt:
    def run(
        route: Route, model: str, variant: str = "safetensors", dtype: Any = torch.float32, *, quick: bool = True
    ) -> CaseLine:
        placement = reference(model, dtype)
        return run_case.run(route, VARIANTS[variant], placement, RELEASE, TOLERANCES[dtype], tmp_path, quick=quick)

    return run
