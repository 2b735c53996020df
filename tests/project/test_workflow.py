"""The nightly workflow, as far as it can be read without GitHub: zizmor is part of `nox -s lint`."""

import re
import shlex
from pathlib import Path
from typing import Any, Final

import pytest
from ruamel.yaml import YAML

from harness.__main__ import _parser
from tests.arguments import parse
from tests.places import ROOT

WORKFLOW: Final = ROOT / ".github/workflows/nightly.yml"
TEXT: Final = WORKFLOW.read_text()
JOBS: Final[dict[str, Any]] = YAML(typ="safe", pure=True).load(TEXT)["jobs"]
STEPS: Final = [step for job in JOBS.values() for step in job["steps"]]
MAY: Final = {"pages": "publish", "id-token": "publish", "issues": "tell"}


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
    words = shlex.split(re.sub(r" > \S+", "", command))[3:]
    given = _parser().parse_args(words)
    assert given.command in {"plan", "collect"}


def test_what_the_plan_hands_out_takes_a_results_folder_at_its_end() -> None:
    assert parse(["--pair", "x", "--part", "1/2", "--results", "records"]).results == Path("records")
    assert 'bash -c "$command --results records"' in TEXT
