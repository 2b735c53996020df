"""The house keeps its own rules: walls that lint sees, one name that is not written down, sizes that can be read."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

from harness.contract import package
from harness.contract.routes import ROUTES
from harness.remedies.table import Mends
from tests.places import ROOT

PACKAGE = ROOT / "harness"
FILES = sorted(PACKAGE.rglob("*.py"))
LINES, LENGTH, MODULES = 250, 50, 16
A_FILE_EACH = {PACKAGE / "cell" / "routes"}  # as many as there are routes
IN_A_PAIR = {"timm", "torch", "transformers", "numpy", "PIL", "safetensors", "huggingface_hub", "packaging", "yaml"}
COMPANIONS = {"peft"}
"""What is imported where a route runs that needs it, in the environment that has it."""
PYTEST = {"pytest", "xdist"}


NEED_MORE = {"cell", "doctor", "mending", "survival.py", "pair_survival.py", "__main__.py"}
NEED_TORCH = {f"remedies/{part}.py" for part in Mends}


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A checkout with the package and lint's contracts alone."""
    shutil.copytree(PACKAGE, tmp_path / "harness", ignore=shutil.ignore_patterns("__pycache__", "locks", "catalogs"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - lint's own


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("report/door.py", "from ..cell.models import slim"),
        ("results/door.py", "import torch"),
        ("planning/door.py", "def deep() -> None:\n    from ..doctor import user_model"),
        ("cell/compare/door.py", "from ...config import errors"),
        ("doctor/door.py", "from ..results import store"),
        ("results/door.py", "from ..execution import pair_run"),
        ("cell/models/door.py", "from ..compare import comparison"),
        ("attic/__init__.py", ""),
        ("cell/attic/__init__.py", ""),
    ],
    ids=[
        *("outside to cell", "outside to torch", "within a function", "cell to outside", "doctor to outside"),
        *("judging to running", "models to what compares them", "a package in no layer", "one in the cell"),
    ],
)
def test_lint_sees_a_new_module_that_breaks_the_wall(copied: Path, file: str, text: str) -> None:
    path = copied / "harness" / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{text}\n")
    ended = lint(copied)
    assert ended.returncode == 1, ended.stdout
    assert "BROKEN" in ended.stdout


def test_without_such_a_module_lint_is_content(copied: Path) -> None:
    ended = lint(copied)
    assert ended.returncode == 0, ended.stdout


def test_what_runs_in_a_pair_needs_nothing_beyond_the_pair_and_pytest() -> None:
    graph = grimp.build_graph(package.NAME, include_external_packages=True, cache_dir=None)
    inside = {module for name in ("cell", "doctor", "contract") for module in graph.find_descendants(f"harness.{name}")}
    needed = {name for module in inside for name in graph.find_modules_directly_imported_by(module)}
    assert {name for name in needed if not name.startswith("harness")} - sys.stdlib_module_names == (
        IN_A_PAIR | COMPANIONS | PYTEST
    )


@pytest.mark.parametrize("name", ["harness", "layerscale_matrix"])
def test_the_package_works_under_either_name(tmp_path: Path, name: str) -> None:
    shutil.copytree(PACKAGE, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    modules = [
        ".".join((name, *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
        for path in FILES
        if path.relative_to(PACKAGE).parts[0]
        not in {"cell", "doctor", "mending", "survival.py", "pair_survival.py", "__main__.py"}
        and path.relative_to(PACKAGE).as_posix() not in NEED_TORCH
        and path.name != "dask.py"
    ]
    code = (
        f"import importlib\nfor module in {modules!r}: importlib.import_module(module)\n"
        f"from {name}.config import matrix\nfrom {name}.contract import package\n"
        f"from {name}.environments import catalog_history\nfrom {name}.planning import currency\n"
        f"found = matrix.load(__import__('pathlib').Path({str(ROOT / 'matrix.yaml')!r}))\n"
        "assert catalog_history.read('1.0.31')\n"
        "print(package.module('cell.runtime.plugin'), len(currency.digests(found, found.routes, '1.0.31')))\n"
    )
    ended = subprocess.run(  # noqa: S603 - the test's own words
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.stdout.split() == [f"{name}.cell.runtime.plugin", str(len(ROUTES))], ended.stderr


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_names_the_package_by_no_name_of_its_own(path: Path) -> None:
    tree = ast.parse(path.read_text())
    documented = {
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    absolute = [
        name
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and not node.level
            else []
        )
        if name.partition(".")[0] == "harness"
    ]
    named = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node not in documented
        and re.search(r"\bharness(\.[a-z_]+)+", node.value)
    ]
    assert (absolute, named) == ([], [])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_and_its_functions_can_be_read_at_a_glance(path: Path) -> None:
    text = path.read_text()
    long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef) and node.end_lineno and node.end_lineno - node.lineno >= LENGTH
    }
    assert (text.count("\n") <= LINES, long) == (True, {})


@pytest.mark.parametrize(
    "folder", sorted({path.parent for path in FILES} - A_FILE_EACH), ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_a_folder_has_no_more_modules_than_a_reader_keeps_in_mind(folder: Path) -> None:
    assert len([path for path in folder.glob("*.py") if path.name != "__init__.py"]) <= MODULES
