"""What `python -m harness` takes, where there is nothing to examine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.__main__ import ABOUT, NEEDED
from tests.places import ROOT


def run(*arguments: str, **variables: str) -> tuple[int, str, str]:
    """Its exit code, and what it said to whom."""
    ended = subprocess.run(  # noqa: S603 - the test's own words
        [sys.executable, "-m", "harness", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **variables},
    )
    return ended.returncode, ended.stdout, ended.stderr


def test_without_the_libraries_there_is_one_error_with_the_remedy() -> None:
    code, out, said = run("doctor")
    missing = "torch, torchvision, timm, transformers"
    assert said == (
        f"{sys.executable}: there is no {missing} here; run this with the Python of your own project, "
        f"or install them: pip install {missing.replace(',', '')}\n"
    )
    assert (code, out) == (2, "")


def test_a_package_that_cannot_be_imported_is_one_error_with_the_remedy(tmp_path: Path) -> None:
    for name in NEEDED:
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('made for another torch')" if name == "timm" else "")
    code, _, said = run("doctor", PYTHONPATH=str(tmp_path))
    problem = "timm is here and cannot be imported (RuntimeError: made for another torch)"
    assert said == f"{sys.executable}: {problem}; install one that fits the others\n"
    assert code == 2


def test_libraries_without_what_is_looked_at_are_one_error(tmp_path: Path) -> None:
    for name in NEEDED:
        (tmp_path / f"{name}.py").touch()
    code, _, said = run("doctor", PYTHONPATH=str(tmp_path))
    assert "transformers or timm is older than what this looks at (" in said
    assert said.endswith(f"); see {ROOT / 'harness' / 'docs' / 'limits.md'}\n")
    assert said.count("\n") == 1
    assert code == 2


@pytest.mark.parametrize("asked", [["--help"], ["-h"], ["doctor", "--help"], ["check", "--help"]])
def test_help_says_what_there_is(asked: list[str]) -> None:
    code, out, said = run(*asked)
    assert (code, said) == (0, "")
    assert "Exit codes: 0 nothing is broken; 1 something is" in " ".join(out.split())
    if len(asked) == 1:
        assert " ".join(ABOUT.split()) in " ".join(out.split())


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["docter"], "argument COMMAND: invalid choice: 'docter'"),
        (["doctor", "now"], "unrecognized arguments: now"),
        (["check"], "the following arguments are required: TARGET"),
    ],
    ids=["nothing", "no command", "too much", "no target"],
)
def test_anything_else_is_refused_in_a_line(given: list[str], problem: str) -> None:
    code, out, said = run(*given)
    assert (code, out) == (2, "")
    assert said.startswith(problem)
    assert said.endswith("; python -m harness --help says what there is\n")
    assert said.count("\n") == 1
