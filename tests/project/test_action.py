"""The action for other people's pull requests, its step run as a runner runs it."""

import os
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
from ruamel.yaml import YAML

from harness.command_line import parser
from tests.places import ROOT

ACTION: Final = ROOT / ".github/actions/upgrade/action.yml"
HOOKS: Final = ROOT / ".pre-commit-hooks.yaml"


def read(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text())


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    ended = subprocess.run(["git", *identity, *words], cwd=folder, capture_output=True, text=True, check=True)  # noqa: S603, S607
    return ended.stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose last commit moves both pins."""
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "--quiet")
    for pins in ("transformers==4.57.6\ntimm==1.0.22\n", "transformers==5.23.0\ntimm==1.0.31\n"):
        (folder / "requirements.txt").write_text(pins)
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "--message", "pins")
    return folder


def run(project: Path, tmp_path: Path, **inputs: str) -> tuple[int, str]:
    """The exit code of the action's step, and what stands on the page of the run."""
    [step] = read(ACTION)["runs"]["steps"]
    assert set(step["env"]) == {"LOCKFILE", "BASE", "OPTIONS", "PACKAGE"}
    summary = tmp_path / "summary.md"
    told = {"RUNNER_TEMP": str(tmp_path), "GITHUB_STEP_SUMMARY": str(summary), "PACKAGE": str(ROOT), **inputs}
    script = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    ended = subprocess.run(script, cwd=project, env={**os.environ, **told}, capture_output=True, text=True, check=False)  # noqa: S603
    return ended.returncode, summary.read_text() if summary.exists() else ended.stderr


@pytest.mark.slow
def test_a_move_that_needs_a_remedy_fails_and_says_so_on_the_page(project: Path, tmp_path: Path) -> None:
    options = "--route\ntower\n--model\neva02_tiny_*"
    base = git(project, "rev-parse", "HEAD^")
    code, page = run(project, tmp_path, LOCKFILE="requirements.txt", BASE=base, OPTIONS=options)
    assert code == 1
    assert page.startswith("**With remedies: from transformers 4.57.6 with timm 1.0.22 to transformers 5.23.0")
    assert "- transformers 5 builds on the meta device" in page


@pytest.mark.slow
def test_a_pull_request_that_moves_neither_passes(project: Path, tmp_path: Path) -> None:
    code, page = run(project, tmp_path, LOCKFILE="requirements.txt", BASE="HEAD", OPTIONS="--route\nwrapper")
    assert code == 0, page
    assert page.startswith("**Yes: from transformers 5.23.0")


def test_its_inputs_are_passed_as_variables_and_not_into_the_script() -> None:
    [step] = read(ACTION)["runs"]["steps"]
    assert "${{" not in step["run"]


def test_the_hook_runs_a_command_that_there_is() -> None:
    [hook] = read(HOOKS)
    command, *words = hook["entry"].split()
    assert command == "layerscale-matrix"
    assert parser().parse_args([*words, "module:make"]).command == hook["id"]
