"""What is around a door: a project's folder with records of a run, and PyPI, which is played here."""

import contextlib
import functools
import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final
from unittest import mock

from harness.commands.run import MatrixCommand
from harness.contract import catalog
from harness.environments import companions, lock, pypi
from tests.fake_environment import FakeEnvironment
from tests.small_matrix import MATRIX, catalog_of_timm

OLD: Final = "transformers4.48.3-timm1.0.14"
NEW: Final = "transformers5.23.0-timm1.0.31"
RECORDS: Final = f"{NEW}/cpu-float32.jsonl"
CATALOG: Final = "catalogs/timm-1.0.31.ndjson"


class Index:
    """PyPI, which has a few releases of everything."""

    def get_project_page(self, project: str, timeout: float | None = None) -> Any:  # noqa: ARG002 - as pypi_simple
        found = {"transformers": ("4.48.3", "5.0.0", "5.23.0", "5.24.0")}.get(project, ("1.0.14", "1.0.24", "1.0.31"))
        day = datetime(2026, 11, 1, tzinfo=UTC)
        return SimpleNamespace(
            packages=[
                SimpleNamespace(version=version, upload_time=day, is_yanked=False, requires_python=None)
                for version in found
            ]
        )


@contextlib.contextmanager
def offline() -> Iterator[None]:
    """No packaged catalog, no lock, no PyPI."""
    nowhere = Path("nowhere")
    with (
        mock.patch.object(catalog, "PACKAGED", nowhere),
        mock.patch.object(lock, "FOLDER", nowhere),
        mock.patch.object(pypi, "_pypi", Index),
        mock.patch.object(companions, "releases", return_value=[f"{name}==1.0" for name in companions.NAMES]),
    ):
        yield


def lay_out() -> None:
    """What a person has in a folder, and some strange things."""
    Path("matrix.yaml").write_text(MATRIX)
    os.mkfifo("fifo")
    Path("loop").symlink_to("loop")
    Path("file").write_text("text\n")
    Path("folder").mkdir()
    Path("wheels").mkdir()
    Path("wheels/timm-1.0.32-py3-none-any.whl").touch()
    Path("sent").mkdir()
    Path("sent/config.json").write_text("{}")
    Path("sent/model.safetensors").touch()
    for folder in ("results", "other"):
        for name, text in ((RECORDS, recorded()), (CATALOG, catalog_text())):
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


@functools.cache
def catalog_text() -> str:
    return catalog.dumps(catalog_of_timm())


@functools.cache
def recorded() -> str:
    """The records of a run in which some cases are green and some broken."""
    with contextlib.ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory()))
        held.enter_context(contextlib.chdir(folder))
        Path("matrix.yaml").write_text(MATRIX)
        (Path("results") / CATALOG).parent.mkdir(parents=True)
        (Path("results") / CATALOG).write_text(catalog_text())
        command = MatrixCommand.of(["--pair", NEW], "matrix")
        command.run(command.pair_runs[0], FakeEnvironment({"tower/convnext_atto": "keys"}), lambda _: None)
        return (Path("results") / RECORDS).read_text()
