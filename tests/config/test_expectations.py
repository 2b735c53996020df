"""The shipped expectations point to what there is."""

from harness.config import matrix
from harness.remedies.table import MOVE, NONE, REMEDIES
from tests.places import ROOT

RULES = matrix.load(ROOT / "matrix.yaml").expectations


def test_every_rule_is_tracked_somewhere_or_shown_by_a_script_that_exists() -> None:
    for rule in RULES:
        assert rule.url or rule.script
        assert rule.script is None or (ROOT / rule.script).is_file()


def test_no_two_rules_give_the_same_cause() -> None:
    causes = [rule.because for rule in RULES]
    assert len(causes) == len(set(causes))


def test_every_remedy_that_the_matrix_names_is_a_function_or_says_that_there_is_none() -> None:
    assert {rule.remedy for rule in RULES} <= {*REMEDIES, MOVE, NONE}
