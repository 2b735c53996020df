"""The report of a cause for an upstream tracker."""

import ast
from pathlib import Path

import pytest

from harness.atlas.bounds import Bound, Edge
from harness.atlas.proof import Proof, State
from harness.commands import issue_report
from harness.commands.cause import CauseCommand
from harness.config import matrix
from harness.config.errors import BadInput
from harness.config.expectation import Rule
from tests.causes.scripts import paths, rows
from tests.places import ROOT

RULES = matrix.load(ROOT / "matrix.yaml").expectations
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
        (["--issue", "buffers-in-detr"], "no script shows it alone"),
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
