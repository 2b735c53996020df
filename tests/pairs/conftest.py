"""The package as people install it: a wheel, in an environment that has nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest
from uv import find_uv_bin

from tests.places import ROOT


def uv(*words: str | Path) -> None:
    subprocess.run([find_uv_bin(), *map(str, words)], check=True, timeout=600)  # noqa: S603  our own words


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution and the wheel, which is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    uv("build", "--quiet", "--out-dir", folder, ROOT)
    return folder


@pytest.fixture(scope="session")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of an environment that has the wheel."""
    folder = tmp_path_factory.mktemp("venv") / "venv"
    [wheel] = built.glob("*.whl")
    uv("venv", "--quiet", "--python", sys.executable, folder)
    uv("pip", "install", "--quiet", "--python", folder / "bin" / "python", wheel)
    return folder / "bin"
