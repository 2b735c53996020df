"""The action and the workflow for other people's projects, their steps run as a runner runs them."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
from ruamel.yaml import YAML

from harness.command_line import parser
from tests.places import ROOT

ACTION: Final = ROOT / ".github/actions/upgrade/action.yml"
WORKFLOW: Final = ROOT / ".github/workflows/newest.yml"
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


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a runner, where a second installation finds what the first has brought."""
    return tmp_path_factory.mktemp("runner")


def steps(path: Path) -> list[Any]:
    """The commands of an action or a workflow."""
    content = read(path)
    every = content["runs"]["steps"] if "runs" in content else next(iter(content["jobs"].values()))["steps"]
    return [step for step in every if "run" in step]


def run(project: Path, runner: Path, path: Path = ACTION, **inputs: str) -> tuple[int, str]:
    """The exit code of the first command there, and what stands on the page of the run; or standard error."""
    step, *_ = steps(path)
    assert set(step["env"]) == {*inputs, "PACKAGE"}
    summary = runner / "summary.md"
    summary.unlink(missing_ok=True)
    told = {"RUNNER_TEMP": str(runner), "GITHUB_STEP_SUMMARY": str(summary), "PACKAGE": str(ROOT), **inputs}
    script = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    ended = subprocess.run(script, cwd=project, env={**os.environ, **told}, capture_output=True, text=True, check=False)  # noqa: S603
    return ended.returncode, (summary.exists() and summary.read_text()) or ended.stderr


@pytest.mark.slow
def test_a_move_that_needs_a_remedy_fails_and_says_so_on_the_page(project: Path, runner: Path) -> None:
    options = "--route\ntower\n--model\neva02_tiny_*"
    base = git(project, "rev-parse", "HEAD^")
    code, page = run(project, runner, LOCKFILE="requirements.txt", BASE=base, OPTIONS=options)
    assert code == 1
    assert page.startswith("**With remedies: from transformers 4.57.6 with timm 1.0.22 to transformers 5.23.0")
    assert "- transformers 5 builds on the meta device" in page


@pytest.mark.slow
def test_files_that_the_requirements_include_are_those_of_the_same_commit(project: Path, runner: Path) -> None:
    (project / "requirements").mkdir()
    for pins in ("transformers==4.57.6\ntimm==1.0.22\n", "transformers==5.23.0\ntimm==1.0.31\n"):
        (project / "requirements/base.txt").write_text(pins)
        (project / "requirements/all.txt").write_text("-r base.txt\n")
        git(project, "add", ".")
        git(project, "commit", "--quiet", "--message", "pins")
    code, page = run(project, runner, LOCKFILE="requirements/all.txt", BASE="HEAD^", OPTIONS="--route\nwrapper")
    assert code == 0, page
    assert page.startswith("**Yes: from transformers 4.57.6 with timm 1.0.22 to transformers 5.23.0")


@pytest.mark.slow
def test_a_pull_request_that_moves_neither_passes(project: Path, runner: Path) -> None:
    code, page = run(project, runner, LOCKFILE="requirements.txt", BASE="HEAD", OPTIONS="--route\nwrapper")
    assert code == 0, page
    assert page.startswith("**Yes: from transformers 5.23.0")


@pytest.mark.slow
def test_every_night_the_newest_releases_are_tried(project: Path, runner: Path) -> None:
    inputs = {"LOCKFILE": "requirements.txt", "OPTIONS": "--route\nwrapper"}
    code, page = run(project, runner, WORKFLOW, OWN="", **inputs)
    assert code in {0, 1}, page  # what they break is another answer next week
    assert "from transformers 5.23.0 with timm 1.0.31 to transformers" in page.splitlines()[0]
    # Where a model is named, it is tried, which takes two environments: here the command gets as far as to refuse it.
    assert run(project, runner, WORKFLOW, OWN="no/folder", **inputs)[0] == 2


@pytest.mark.parametrize("path", [ACTION, WORKFLOW], ids=["action", "workflow"])
def test_its_inputs_are_passed_as_variables_and_not_into_the_script(path: Path) -> None:
    assert not any("${{" in step["run"] for step in steps(path))


def test_where_it_is_asked_for_the_pull_request_gets_the_answer(tmp_path: Path) -> None:
    """With a stand-in for gh, which asks GitHub: this machine does not reach it."""
    _, step = steps(ACTION)
    assert step["if"] == "${{ !cancelled() && inputs.comment == 'true' }}"
    (tmp_path / "gh").write_text('#!/bin/sh\nprintf "%s\\n" "$GH_TOKEN" "$@" > "$RUNNER_TEMP/told"\n')
    (tmp_path / "gh").chmod(0o755)
    told = {"RUNNER_TEMP": str(tmp_path), "GITHUB_REPOSITORY": "a/b", "GH_TOKEN": "t", "PULL_REQUEST": "7"}
    environment = {**os.environ, **told, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    assert set(step["env"]) == {"GH_TOKEN", "PULL_REQUEST"}
    subprocess.run(["bash", "-eo", "pipefail", "-c", step["run"]], env=environment, check=True)  # noqa: S603, S607
    words = ["t", "pr", "comment", "7", "--repo", "a/b", "--edit-last", "--create-if-none", "--body-file"]
    assert (tmp_path / "told").read_text().splitlines() == [*words, str(tmp_path / "answer.md")]


def test_a_workflow_of_other_people_s_may_read_alone_and_ends() -> None:
    content = read(WORKFLOW)
    [job] = content["jobs"].values()
    assert (content["permissions"], job["permissions"], job["timeout-minutes"]) == ({}, {"contents": "read"}, 60)
    pinned = set(re.findall(r"uses: (\S+@[0-9a-f]{40} # v\S+)", (WORKFLOW.parent / "nightly.yml").read_text()))
    assert set(re.findall(r"uses: (.*)", WORKFLOW.read_text())) <= pinned


def test_the_hook_runs_a_command_that_there_is() -> None:
    [hook] = read(HOOKS)
    command, *words = hook["entry"].split()
    assert command == "layerscale-matrix"
    assert parser().parse_args([*words, "module:make"]).command == hook["id"]
