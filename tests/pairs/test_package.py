"""The package as people install it: a wheel, in an environment that has nothing else."""

import json
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from uv import find_uv_bin

from tests.places import ROOT

pytestmark = pytest.mark.slow

ASK = ("ask", "transformers==5.23.0", "timm==1.0.31", "--model", "eva02_*", "--route", "tower")
MOST = 50 * 2**20  # bytes that it may take, with what it needs
LOCK = """\
transformers==4.57.6
timm==1.0.22
"""


def run(*words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, words)), cwd=cwd, capture_output=True, text=True, check=False, timeout=300)  # noqa: S603


def test_what_is_built_has_the_package_s_data_and_nothing_of_the_checkout(built: Path) -> None:
    [wheel], [source] = built.glob("*.whl"), built.glob("*.tar.gz")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"layerscale_matrix"}
    for part in ("matrix.yaml", "py.typed", "atlas/rules.ndjson", "docs/results.md", "schemas/matrix.json"):
        assert f"layerscale_matrix/{part}" in names
    for folder in ("atlas/pairs", "catalogs", "fingerprints", "locks"):
        kept = {path.name for path in (ROOT / "harness" / folder).iterdir() if path.suffix != ".pyc"}
        assert kept <= {Path(name).name for name in names if name.startswith(f"layerscale_matrix/{folder}/")}
    [metadata] = (name for name in names if name.endswith(".dist-info/METADATA"))
    assert "Requires-Dist: nox[uv]>=2026.2; extra == 'run'" in zipfile.ZipFile(wheel).read(metadata).decode()
    with tarfile.open(source) as opened:
        files = {name.partition("/")[2] for name in opened.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "matrix.yaml", "noxfile.py"} <= files


def test_it_is_small_and_answers_without_torch_or_nox(installed: Path) -> None:
    size = sum(path.stat().st_size for path in installed.parent.rglob("*") if path.is_file() and not path.is_symlink())
    assert size < MOST
    assert not {"torch", "nox", "timm"} & {path.name for path in installed.parent.glob("lib/*/site-packages/*")}
    command = installed / "layerscale-matrix"
    asked = run(command, *ASK)
    assert (asked.returncode, asked.stderr) == (0, "")
    assert asked.stdout.startswith("transformers 5.23.0 with timm 1.0.31 in cpu-float32: works with a remedy: 1,")
    assert run(command, "--version").stdout.startswith("layerscale-matrix 0.")
    explained = run(command, "explain", "gamma-renamed")
    assert "Releases: transformers <4.49" in explained.stdout
    assert "layerscale_matrix" in run(command, "completion", "bash").stdout


def test_it_answers_from_a_project_s_lock(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(LOCK)
    words = ("upgrade", *ASK[1:], "--lockfile", "requirements.txt", "--json")
    ended = run(installed / "layerscale-matrix", *words, cwd=tmp_path)
    assert ended.returncode == 1, ended.stderr
    assert json.loads(ended.stdout)["start"] == ["4.57.6", "1.0.22"]


def test_it_divides_its_own_matrix_where_there_is_none(installed: Path, tmp_path: Path) -> None:
    ended = run(installed / "layerscale-matrix", "plan", "--shards", "2", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert [shard["shard"] for shard in json.loads(ended.stdout)["shards"]] == ["1/2", "2/2"]


def test_a_command_that_needs_torch_says_how_to_get_it(installed: Path, tmp_path: Path) -> None:
    ended = run(installed / "layerscale-matrix", "doctor", cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "torch, torchvision, timm, transformers not found" in ended.stderr


def test_pytest_has_its_fixture_and_imports_next_to_nothing_for_it(installed: Path, tmp_path: Path) -> None:
    python = installed / "python"
    assert run(find_uv_bin(), "pip", "install", "--python", python, "pytest").returncode == 0
    assert "survives_transformers" in run(python, "-m", "pytest", "--fixtures", cwd=tmp_path).stdout
    seen = "import sys, pytest; old = {*sys.modules}; import layerscale_matrix.survival; print(*{*sys.modules} - old)"
    assert set(run(python, "-c", seen).stdout.split()) == {"layerscale_matrix", "layerscale_matrix.survival"}
