"""A library that is not the installed one has no result here."""

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cell.guards import imported
from harness.cell.guards.imported import ForeignImport
from harness.cell.runtime.runner import Runner
from harness.contract.case import Case
from harness.contract.catalog import Catalog
from tests.cell.faults.conftest import plan_of
from tests.places import ROOT

CASE = Case("wrapper", "test_convnext")
ASKING = "from harness.cell.guards import imported; print(imported.versions(('timm',)))"


def package(folder: Path, *, version: str, metadata: str | None = None) -> Path:
    """A folder with a timm of this version, and with another in its metadata."""
    (folder / "timm").mkdir(parents=True)
    (folder / "timm" / "__init__.py").write_text(f"__version__ = {version!r}\n")
    if metadata:
        info = folder / f"timm-{metadata}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: timm\nVersion: {metadata}\n")
    return folder


def ask(folder: Path, prefix: Path | None = None) -> str:
    """What a process says that finds packages in the folder first."""
    place = f"import sys; sys.path.insert(0, {str(folder)!r}); sys.prefix = {str(prefix or sys.prefix)!r}; "
    command = [sys.executable, "-c", place + ASKING]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)  # noqa: S603 - own words
    return ended.stdout.strip() or ended.stderr.strip().splitlines()[-1]


def test_the_line_of_a_case_says_what_its_process_imported(entries: Catalog, tmp_path: Path) -> None:
    runner = Runner(plan_of([CASE], entries), tmp_path / "worker", workers=1)
    line = runner.run(CASE)
    runner.close()
    assert line.outcome == "passed"
    assert line.imported == {name: importlib.metadata.version(name) for name in ("transformers", "timm", "torch")}


def test_a_case_whose_library_is_a_foreign_one_is_not_run(
    entries: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = Runner(plan_of([CASE], entries), tmp_path / "worker", workers=1)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    line = runner.run(CASE)
    assert line.outcome == "not-run"
    assert line.reason.startswith("transformers was imported from ")
    with pytest.raises(ForeignImport):
        imported.versions()


def test_a_library_from_outside_the_environment_is_refused(tmp_path: Path) -> None:
    folder = package(tmp_path / "elsewhere", version="1.0.31", metadata="1.0.31")
    assert f"timm was imported from {folder / 'timm' / '__init__.py'}, outside the environment" in ask(folder)


@pytest.mark.parametrize(
    ("version", "metadata", "says"),
    [
        ("1.0.30", "1.0.31", "timm says that it is 1.0.30, and installed is 1.0.31"),
        ("1.0.31+x1", "1.0.31+y1", "timm says that it is 1.0.31+x1, and installed is 1.0.31+y1"),
        ("1.0.31", "1.0.31+x1", "{'timm': '1.0.31+x1'}"),
        ("1.0.31+cu130", "1.0.31", "{'timm': '1.0.31'}"),
        ("1.0.32.dev0", "1.0.32.dev0", "{'timm': '1.0.32.dev0'}"),
    ],
    ids=["another release", "another build", "a build of the release", "torch's way", "a development version"],
)
def test_a_library_must_be_of_the_version_that_is_installed(
    tmp_path: Path, version: str, metadata: str, says: str
) -> None:
    assert says in ask(package(tmp_path, version=version, metadata=metadata), prefix=tmp_path)
