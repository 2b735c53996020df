"""The nightly workflow, as far as it can be read without GitHub: zizmor is part of `nox -s lint`."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
from ruamel.yaml import YAML

from harness.command_line import parser
from harness.commands import atlas
from tests.arguments import parse
from tests.places import ROOT

WORKFLOW: Final = ROOT / ".github/workflows/nightly.yml"
TEXT: Final = WORKFLOW.read_text()
JOBS: Final[dict[str, Any]] = YAML(typ="safe", pure=True).load(TEXT)["jobs"]
STEPS: Final = [step for job in JOBS.values() for step in job["steps"]]
MAY: Final = {
    "pages": "publish",
    "id-token": "publish",
    "issues": "tell",
    "contents": "propose",
    "pull-requests": "propose",
}


def test_every_action_is_pinned_by_digest_and_says_its_release() -> None:
    used = re.findall(r"uses: (\S+)(.*)", TEXT)
    assert len(used) == sum("uses" in step for step in STEPS) > 0
    assert [action for action, _ in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action)] == []
    assert [action for action, said in used if not re.fullmatch(r" # v\d+\.\d+\.\d+", said)] == []


def test_a_job_may_write_only_what_it_is_for() -> None:
    assert YAML(typ="safe", pure=True).load(TEXT)["permissions"] == {}
    for name, job in JOBS.items():
        writes = [what for what, how in job["permissions"].items() if how == "write"]
        assert all(MAY[what] == name for what in writes)
        assert all(how in {"read", "write"} for how in job["permissions"].values())
    assert all(not step["with"]["persist-credentials"] for step in STEPS if "actions/checkout" in step.get("uses", ""))


def test_every_job_has_a_time_limit() -> None:
    assert all(job["timeout-minutes"] > 0 for job in JOBS.values())


@pytest.mark.parametrize("command", re.findall(r"python -m harness .*", TEXT))
def test_its_commands_are_some_that_there_are(command: str) -> None:
    words = shlex.split(re.sub(r" (> \S+|\|\|)", "", command))[3:]
    given = parser().parse_args(words)
    assert given.command in {"plan", "collect", "site"}


def test_what_the_plan_hands_out_takes_a_results_folder_at_its_end() -> None:
    assert parse(["--pair", "x", "--part", "1/2", "--results", "records"]).results == Path("records")
    assert 'bash -c "$command --results records"' in TEXT


def test_what_measures_the_atlas_takes_options_that_there_are_and_has_records_to_go_on_from() -> None:
    [command] = re.findall(r"nox -s atlas -- (.*) \|\|", TEXT)
    given = atlas._parser().read(shlex.split(command))
    assert given["minutes"] < JOBS["atlas"]["timeout-minutes"]
    [kept] = {step["with"]["path"] for step in JOBS["atlas"]["steps"] if "actions/cache/" in step.get("uses", "")}
    assert given["results"] == Path(kept)


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    return subprocess.run(["git", *identity, *words], cwd=folder, capture_output=True, text=True, check=True).stdout  # noqa: S603, S607


@pytest.mark.parametrize("open_already", [False, True], ids=["none is open", "one is open"])
def test_new_entries_become_one_pull_request_and_no_entry_none(tmp_path: Path, *, open_already: bool) -> None:
    remote, checkout, said = tmp_path / "remote", tmp_path / "checkout", tmp_path / "said"
    for folder in (remote, checkout):
        folder.mkdir()
    git(remote, "init", "--quiet", "--bare")
    git(checkout, "init", "--quiet")
    git(checkout, "remote", "add", "origin", str(remote))
    for folder in (checkout / "harness", checkout / "measured"):
        (folder / "atlas/pairs").mkdir(parents=True)
        (folder / "catalogs").mkdir()
        for name in ("atlas/releases", "atlas/pairs/old", "catalogs/history"):
            (folder / f"{name}.ndjson").write_text("{}\n")
    git(checkout, "add", "harness")
    git(checkout, "commit", "--quiet", "--message", "atlas")
    gh = tmp_path / "bin/gh"
    gh.parent.mkdir()
    listed = 'if [ "$2" = list ]; then echo 7; fi' if open_already else ""
    gh.write_text(f'#!/bin/bash\necho "$@" >> {said}\n{listed}\n')
    gh.chmod(0o755)

    def run() -> str:
        script = JOBS["propose"]["steps"][-1]["run"]
        variables = {"RUN": "https://host.example/runs/1", "BRANCH": "nightly-atlas", "BASE": "main"}
        env = {**os.environ, **variables, "PATH": f"{gh.parent}:{os.environ['PATH']}"}
        words = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
        ended = subprocess.run(words, cwd=checkout, env=env, capture_output=True, text=True, check=True)  # noqa: S603
        return ended.stdout

    (checkout / "measured/strange.txt").touch()
    shutil.copytree(checkout / "measured", tmp_path / "again")
    assert run() == "No entry is new.\n"
    shutil.copytree(tmp_path / "again", checkout / "measured")
    (checkout / "measured/atlas/pairs/new.ndjson").write_text("{}\n")
    run()
    pushed = git(remote, "ls-tree", "-r", "--name-only", "nightly-atlas").split()
    names = ("atlas/pairs/new", "atlas/pairs/old", "atlas/releases", "catalogs/history")
    assert pushed == [f"harness/{name}.ndjson" for name in names]
    *_, last = said.read_text().splitlines()
    made = "pr create --base main --head nightly-atlas --title What the night has measured --body-file body.md"
    assert last == ("pr edit 7 --body-file body.md" if open_already else made)
    assert "A\tharness/atlas/pairs/new.ndjson" in (checkout / "body.md").read_text()
