"""The report of a cause for an upstream tracker."""

import ast
import re
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.atlas import names
from harness.atlas.bounds import Bound, Edge
from harness.atlas.proof import Proof, State
from harness.commands import issue_report, shown_case
from harness.commands.cause import CauseCommand
from harness.commands.run import MatrixCommand
from harness.config import matrix
from harness.config.errors import BadInput
from harness.config.expectation import Rule
from harness.config.text import capitalised
from harness.contract.matching import applies_to, covers_releases
from harness.environments import pypi
from harness.planning.plan import cases_of
from tests.causes.scripts import paths, rows
from tests.places import ROOT

MATRIX = matrix.load(ROOT / "matrix.yaml")
RULES = MATRIX.expectations
NOWHERE: Any = None
"""Where nothing is run, no environment is needed."""
NEWEST = ["transformers==5.23.0", "timm==1.0.31"]
VERSIONS = {"transformers": "5.23.0", "timm": "1.0.31"}


def rule(name: str) -> Rule:
    return issue_report.rule_of(name, RULES)


def report(name: str, *proofs: Proof) -> list[str]:
    script = issue_report.script_of(rule(name))
    return list(issue_report.lines(rule(name), script, "it raises", VERSIONS, proofs))


def test_it_has_a_title_what_is_seen_a_script_the_versions_and_what_helps() -> None:
    lines = report("scratch-prefix")
    assert lines[0].startswith("# transformers 5.6 and later save a wrapper")
    assert "`it raises`" in lines
    assert "transformers >=5.6." in "\n".join(lines)
    assert "transformers 5.23.0, timm 1.0.31" in lines
    assert lines[-1] == rule("scratch-prefix").advice
    assert not any(line.startswith("Tracked already") for line in lines)


def test_one_that_is_tracked_says_where() -> None:
    assert f"Tracked already: {rule('gamma-renamed').url}" in report("gamma-renamed")


def test_where_it_begins_and_ends_is_told_as_it_was_measured() -> None:
    bound = Bound("scratch-prefix", "transformers", ">=5.6")
    proven = Proof(Edge(bound, "5.6.0", "5.5.4", "1.0.31"), State.PROVEN, "cpu-float32", "2026-11-29")
    hidden = Proof(Edge(bound, "5.6.0", "5.5.4", "1.0.26"), State.HIDDEN, "cpu-float32", "2026-11-29")
    lines = report("scratch-prefix", proven, hidden)
    assert "- Seen with transformers 5.6.0 and not with 5.5.4, both with timm 1.0.31." in lines
    assert not any("1.0.26" in line for line in lines)


@pytest.mark.parametrize("path", paths(), ids=lambda path: path.stem)
def test_a_script_stands_alone_without_what_it_says_to_this_project(path: Path) -> None:
    alone = issue_report.alone(path.read_text())
    module = ast.parse(alone)
    assert "harness" not in alone
    assert "--remedy" not in alone
    names = {target.id for node in module.body if isinstance(node, ast.Assign) for target in node.targets
             if isinstance(target, ast.Name)}  # fmt: skip
    assert not names & issue_report.OURS


def test_a_rule_without_a_url_has_a_script_and_so_have_most_that_are_tracked() -> None:
    assert all(issue_report.script_of(rule) for rule in RULES if not rule.url)


def test_of_several_causes_in_one_issue_each_has_the_script_of_its_name() -> None:
    assert rule("item-on-meta").url == rule("regnet-unique-on-meta").url
    assert issue_report.script_of(rule("item-on-meta")) == "tests/causes/item_on_meta.py"
    assert issue_report.script_of(rule("regnet-unique-on-meta")) == "tests/causes/regnet_unique_on_meta.py"


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.script)
def test_the_pair_on_which_a_script_is_broken_is_read_from_it(row: object) -> None:
    assert " ".join(issue_report.broken_on(row.path)) == row.broken  # type: ignore[attr-defined]


SCRIPTLESS = [rule.id for rule in RULES if issue_report.find_script(rule) is None]


def test_some_rules_have_no_script() -> None:
    assert {"disk-loses-buffers", "disk-outside-forward", "drop-path-rates-on-meta"} <= set(SCRIPTLESS)
    assert "buffers-in-detr" not in SCRIPTLESS
    with pytest.raises(BadInput, match=r"^disk-loses-buffers: no script shows it alone; write tests/causes/disk_loses"):
        issue_report.script_of(rule("disk-loses-buffers"))


@pytest.fixture
def some_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    there = [SimpleNamespace(version=version) for version in ("2.11.0", "2.12.1", "2.13.0")]
    monkeypatch.setattr(pypi, "since", lambda *_: iter(there))
    shown_case.torch_within.cache_clear()


@pytest.mark.usefixtures("some_torch")
@pytest.mark.parametrize("name", SCRIPTLESS)
def test_without_a_script_the_report_has_a_command_that_runs_a_case_of_the_rule(name: str) -> None:
    command = CauseCommand.of(["--issue", name])
    assert command.shown
    lines = list(command.report(NOWHERE, print))
    [typed] = [line for line in lines if line.startswith("nox -s pair -- ")]
    run = MatrixCommand.of(shlex.split(typed.partition(" -- ")[2]), "pair")
    [pair_run], described = run.pair_runs, MATRIX
    [lane] = [lane for lane in described.lanes if lane.name == command.shown.lane]
    pair = pair_run.pair
    [case] = cases_of(described, names.catalog_of(pair.timm), lane, pair_run.options)
    assert applies_to(rule(name), case, lane.name, names.catalog_of(pair.timm)[case.model])
    assert covers_releases(rule(name), pair.transformers, pair.timm, pair.torch)
    assert (lines[0], lines[-1]) == (f"# {capitalised(rule(name).because)}", rule(name).advice)


def test_what_was_measured_is_said_with_its_day_and_else_that_it_was_not() -> None:
    seen = "\n".join(CauseCommand.of(["--issue", "disk-loses-buffers"]).report(NOWHERE, print))
    assert re.search(r"Measured on 20\d\d-\d\d-\d\d: tower/\w+@device-map\+narrow with transformers 4\.57\.6", seen)
    assert "- `tensors` in `buffer`: `*running_mean`, `reset to timm's default`" in seen
    never = "\n".join(CauseCommand.of(["--issue", "disk-outside-forward"]).report(NOWHERE, print))
    assert "Not measured yet; to be seen: tower/" in never


def test_a_pair_that_is_named_is_the_one_that_the_command_runs() -> None:
    command = CauseCommand.of(["--issue", "disk-outside-forward", "transformers==4.57.6", "timm==1.0.22"])
    assert command.shown
    assert command.shown.command.startswith("nox -s pair -- transformers==4.57.6 timm==1.0.22 --lane cpu-float32-comp")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gamma-renamed", "every tensor has the name that the model gives it, in the file and in the loaded model."),
        ("new-head-left-on-meta", "the model is loaded, without an exception."),
        ("drop-path-rates-on-meta", "the model is loaded, and runs, without an exception."),
        ("timm-gcvit-batches", "a release of timm computes what the one before it did."),
    ],
)
def test_what_the_libraries_should_do_is_said(name: str, expected: str) -> None:
    assert issue_report.expected(rule(name)) == expected


def test_every_rule_says_what_the_libraries_should_do_besides_what_its_script_should() -> None:
    for known in RULES:
        assert len(issue_report.expected(known)) > 30
    [line] = [line for line in report("scratch-prefix") if line.startswith("Expected: ")]
    assert line == (
        "Expected: every tensor has the name that the model gives it, in the file and in the loaded model; the model "
        "is loaded, without an exception. The script below then prints nothing, and its exit code is 0."
    )


def test_the_command_takes_the_script_and_the_pair_from_the_rule() -> None:
    command = CauseCommand.of(["--issue", "scratch-prefix"])
    assert command.scripts == ("tests/causes/scratch_prefix.py",)
    assert command.pair_run.pair.id == "transformers5.23.0-timm1.0.31"
    other = CauseCommand.of(["--issue", "scratch-prefix", "transformers==5.24.0", "timm==1.0.31"])
    assert other.pair_run.pair.transformers == "5.24.0"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--issue", "timm-gcvit-batches"], "timm-gcvit-batches is about timm ==1.0.31, and not about"),
        (["--issue", "disk-loses-buffers", *NEWEST], "disk-loses-buffers is about transformers <5, and not about"),
        (["--issue", "scratch-prefx"], "did you mean 'scratch-prefix'"),
        (["--issue", "scratch-prefix", "tests/causes/scratch_prefix.py"], "which has its script; leave tests/causes"),
        (["--issue", "scratch-prefix", "--remedy"], "which has its script; leave --remedy out"),
        ([], "name a pair, and scripts: transformers=="),
    ],
)
def test_bad_input_is_one_error(words: list[str], why: str) -> None:
    with pytest.raises(BadInput) as error:
        CauseCommand.of(words)
    assert why in str(error.value)
