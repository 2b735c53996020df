"""tests/plain as somebody runs it who has no harness: an environment by Python's own means, pip, and pytest."""

import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ...config.errors import InstallationError
from ...contract.package import ROOT
from . import run_command

FOLDER: Final = ROOT / "tests" / "plain"
PACKAGES: Final = ("transformers", "timm", "torch", "torchvision")
FAILED: Final = re.compile(r"^(?:FAILED|ERROR) \S+::test_(?P<route>\w+)\[(?P<model>[^\]]+)\]", re.MULTILINE)
ENDED: Final = frozenset({0, 1})  # pytest's exit codes where all tests ran


@dataclass(frozen=True)
class Plain:
    """How long it took, environment included, and which tests failed, by route and model."""

    seconds: float
    failed: frozenset[tuple[str, str]]


def run(make: Callable[[Path], bool], place: Path, versions: Mapping[str, str], models: Sequence[str]) -> Plain:
    """Make a virtual environment in `place`, install these versions, and test the models there.

    Raises InstallationError where there is no such environment, and RuntimeError where pip or pytest did not do it.
    """
    python, started = str(place / "bin" / "python"), time.perf_counter()
    if not make(place):
        raise InstallationError("no virtual environment could be made; see above")
    wanted = [f"{name}=={versions[name]}" for name in PACKAGES]
    run_command.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted, "pytest"], {})
    told = {"MODELS": " ".join(models), "HF_HUB_OFFLINE": "1", "PYTHONPATH": "", "PYTEST_ADDOPTS": ""}
    options = [
        *("-c", os.devnull, "--rootdir", str(FOLDER), "--confcutdir", str(FOLDER)),
        *("-p", "no:cacheprovider", "-q", "--tb=no"),
    ]
    said = run_command.run([python, "-m", "pytest", *options, str(FOLDER)], told, ENDED)
    return Plain(time.perf_counter() - started, failures(said))


def failures(said: str) -> frozenset[tuple[str, str]]:
    """Route and model of each test that failed, as pytest sums them up."""
    return frozenset((found["route"], found["model"]) for found in FAILED.finditer(said))
