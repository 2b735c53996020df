"""What the route `import` sees of an environment in which a text model does not load beside timm."""

import os
from pathlib import Path

import pytest

from harness.cell.guards import importing
from harness.cell.routes import ROUTES
from tests.cell.faults.conftest import Attempt
from tests.places import ROOT


@pytest.mark.parametrize(
    ("code", "said"),
    [
        pytest.param(
            "raise ImportError(\"cannot import name 'ImageNetInfo' from 'timm.data'\")",
            "error in load: ImportError: cannot import name 'ImageNetInfo' from 'timm.data'",
            id="timm cannot be imported",
        ),
        pytest.param(
            "import os; os._exit(3)",
            "error in load: RuntimeError: the new process ended with exit code 3: it said nothing",
            id="the process dies",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_text_model_that_does_not_load_beside_timm_is_an_error(
    attempt: Attempt, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str, said: str
) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "timm.py").write_text(f"{code}\n")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'first'}{os.pathsep}{ROOT}")
    line = attempt(ROUTES["import"], "bert")
    [finding] = [
        finding for scenario in line.scenarios if scenario.name == "timm first" for finding in scenario.findings
    ]
    assert finding.words.startswith(said)


def test_the_installed_pair_can_be_imported() -> None:
    assert importing.problem() is None
    assert importing.found().startswith("transformers ")
