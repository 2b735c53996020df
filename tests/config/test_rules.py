"""A rule of matrix.yaml says which findings it explains, and names a remedy; what could hide anything is refused."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from harness.config import matrix
from harness.config.errors import BadInput
from harness.config.expectation import Finds, Rule
from harness.contract.plan import Pattern
from harness.contract.plan import Rule as PlannedRule
from harness.remedies.table import REMEDIES

Write = Callable[[str], Path]

FINDS, ID, REMEDY = '    finds: [{kind: keys, how: "*"}]\n', "- id: renamed", "remedy: move"
REFUSED = {
    "no id": (f"  {ID}\n    routes", "  - routes", "expectations[0]: 'id' is missing; add it"),
    "no findings": (FINDS, "", "expectations[0]: 'finds' is missing; add it"),
    "an empty list of findings": (FINDS, "    finds: []\n", "expectations[0].finds: is empty; give at least one"),
    "an outcome": (
        FINDS,
        f"{FINDS}    outcome: keys\n",
        f"expectations[0]: unknown key 'outcome'; there is {', '.join(Rule.model_fields)}",
    ),
    "any finding of a kind": (
        FINDS,
        "    finds: [{kind: keys}]\n",
        "expectations[0].finds[0]: say which by 'what', a glob of names, or 'how', a glob of what happened to them",
    ),
    "a place alone": (
        FINDS,
        '    finds: [{kind: keys, where: "*"}]\n',
        "expectations[0].finds[0]: say which by 'what', a glob of names, or 'how', a glob of what happened to them",
    ),
    "an empty glob": (
        FINDS,
        '    finds: [{kind: keys, how: ""}]\n',
        "expectations[0].finds[0].how: is empty; write some text",
    ),
    "a misspelt key of a finding": (
        FINDS,
        '    finds: [{kind: keys, whta: "*", how: "*"}]\n',
        "expectations[0].finds[0]: unknown key 'whta'; there is kind, where, what, how",
    ),
    "an error without a message": (
        FINDS,
        "    finds: [{kind: error, what: RuntimeError}]\n",
        "expectations[0].finds[0]: an error needs 'what', the exception's type, and 'how', a glob of its message",
    ),
    "an error without a type": (
        FINDS,
        '    finds: [{kind: error, how: "*head*"}]\n',
        "expectations[0].finds[0]: an error needs 'what', the exception's type, and 'how', a glob of its message",
    ),
    "no remedy": (f"    {REMEDY}\n", "", "expectations[0]: 'remedy' is missing; add it"),
    "a misspelt remedy": (
        REMEDY,
        "remedy: cast_bufers",
        "expectations[0].remedy: unknown remedy 'cast_bufers', did you mean 'cast_buffers'?",
    ),
    "a function for a process that died": (
        f"{FINDS}    because: renamed\n    {REMEDY}",
        '    finds: [{kind: crashed, how: "*"}, {kind: timeout, how: "*"}]\n    because: x\n    remedy: cast_pixels',
        "expectations[0]: crashed, timeout: the process died, so that no remedy can be run; say move or none",
    ),
    "no scenario": (FINDS, f"{FINDS}    scenarios: []\n", "expectations[0].scenarios: is empty; give at least one"),
}


def refusal(path: Path) -> str:
    with pytest.raises(BadInput) as caught:
        matrix.load(path)
    return str(caught.value)


@pytest.mark.parametrize(("right", "wrong", "message"), REFUSED.values(), ids=REFUSED)
def test_a_rule_that_could_hide_anything_is_refused(
    write: Write, matrix_text: str, right: str, wrong: str, message: str
) -> None:
    assert right in matrix_text
    assert refusal(write(matrix_text.replace(right, wrong, 1))) == f"matrix.yaml: {message}"


@pytest.mark.parametrize("slug", ["Renamed", "a_b", "a--b", "-a", "a-", "a b", '""', "a.b"])
def test_an_id_that_is_no_slug_is_refused(write: Write, matrix_text: str, slug: str) -> None:
    message = refusal(write(matrix_text.replace(ID, f"- id: {slug}")))
    assert message.startswith("matrix.yaml: expectations[0].id: ")


def test_an_id_of_two_rules_is_refused(write: Write, matrix_text: str) -> None:
    rule = matrix_text[matrix_text.index("  - id:") :]
    assert refusal(write(matrix_text + rule)) == (
        "matrix.yaml: expectations: renamed is named more than once; keep one"
    )
    other = rule.replace(ID, "- id: renamed-again")
    assert [rule.id for rule in matrix.load(write(matrix_text + other)).expectations] == ["renamed", "renamed-again"]


@pytest.mark.parametrize("remedy", ["move", "none"])
@pytest.mark.parametrize("kind", ["crashed", "timeout"])
def test_a_rule_for_a_process_that_died_needs_no_function(
    write: Write, matrix_text: str, kind: str, remedy: str
) -> None:
    text = matrix_text.replace("kind: keys", f"kind: {kind}").replace(REMEDY, f"remedy: {remedy}")
    assert matrix.load(write(text)).expectations[0].outcome == kind


@pytest.mark.parametrize("remedy", REMEDIES)
def test_every_remedy_of_the_table_can_be_named(write: Write, matrix_text: str, remedy: str) -> None:
    assert matrix.load(write(matrix_text.replace(REMEDY, f"remedy: {remedy}"))).expectations[0].remedy == remedy


def test_a_rule_keeps_its_patterns_and_its_scenarios(write: Write, matrix_text: str) -> None:
    patterns = '{kind: keys, where: a, what: b, how: c}, {kind: error, what: "*", how: "*"}, {kind: keys, how: d}'
    finds = f"    finds: [{patterns}]\n"
    text = matrix_text.replace(FINDS, f"{finds}    scenarios: [hidden*]\n")
    [rule] = matrix.load(write(text)).expectations
    assert (rule.finds, rule.scenarios, rule.outcome) == (
        (
            Finds(kind="keys", where="a", what="b", how="c"),
            Finds(kind="error", what="*", how="*"),
            Finds(kind="keys", how="d"),
        ),
        ("hidden*",),
        "keys or error",
    )


def test_a_rule_goes_into_a_plan_with_all_that_decides_which_remedies_are_run(write: Write, matrix_text: str) -> None:
    text = matrix_text.replace(FINDS, f"{FINDS}    scenarios: [hidden*]\n    lanes: [cpu-float32]\n    sizes: [slim]\n")
    [rule] = matrix.load(write(text)).expectations
    assert rule.planned == PlannedRule(
        id="renamed",
        routes=("tower",),
        scenarios=("hidden*",),
        models=None,
        where={"gamma_keys": True},
        transformers="<4.49",
        timm=None,
        torch=None,
        lanes=("cpu-float32",),
        variants=None,
        sizes=("slim",),
        finds=(Pattern("keys", how="*"),),
        remedy="move",
    )
    assert PlannedRule.of(asdict(rule.planned)) == rule.planned
