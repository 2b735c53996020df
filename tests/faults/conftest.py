from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from packaging.version import Version

from harness import catalog
from harness.cell import case
from harness.cell.parity import Tolerance
from harness.cell.routes.road import Release, Route
from harness.cell.subject import Place, Subject

TOLERANCE = Tolerance(rtol=1e-5, atol=1e-5)
RELEASE = Release(transformers=Version("5.23.0"), timm=Version("1.0.31"))


@pytest.fixture(scope="session")
def entries() -> catalog.Catalog:
    found = catalog.read(catalog.PACKAGED, "1.0.31")
    assert found is not None
    return found


@pytest.fixture(scope="session")
def subject(entries: catalog.Catalog) -> Callable[[str], Subject]:
    made: dict[str, Subject] = {}

    def of(model: str) -> Subject:
        if model not in made:
            made[model] = Subject(entries[model], "slim", Place("cpu", torch.float32))
        return made[model]

    return of


@pytest.fixture
def attempt(subject: Callable[[str], Subject], tmp_path: Path) -> Callable[[Route, str], dict[str, Any]]:
    """Runs one case and gives its record."""
    return lambda route, model: case.run(route, subject(model), RELEASE, TOLERANCE, tmp_path)
