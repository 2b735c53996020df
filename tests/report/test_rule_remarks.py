"""What is said of the rules themselves."""

from datetime import date

from harness.config.expectation import Rule
from harness.contract.case import Case
from harness.report.rules import remarks
from harness.results.store import Recorded
from harness.results.verdict import Judged, judge

TODAY = date(2026, 11, 25)
OTHER = "tower/b"


def rule(because: str, outcome: str = "keys", until: date | None = None) -> Rule:
    return Rule(routes=("tower",), models=("*",), outcome=outcome, because=because, advice="move", until=until)


def judged(*rules: Rule) -> list[Judged]:
    """A case that these rules speak of and that came out as keys, and one of which there is no record."""
    record = {"outcome": "keys", "reason": "", "model": "a", "detail": {}}
    return judge([Case("tower", "a"), Case.parse(OTHER)], Recorded("p", "l", {"tower/a": record}), lambda _: rules)


def said(rules: list[Rule], *applying: Rule, whole: bool = True) -> list[str]:
    return list(remarks(rules, judged(*applying), TODAY, torches={"2.14.1"}, whole=whole))


def test_rules_that_do_their_work_are_not_spoken_of() -> None:
    one = rule("renamed", until=TODAY)
    assert said([one], one) == []


def test_a_rule_past_its_date_is_named() -> None:
    one = rule("renamed", until=date(2026, 11, 24))
    assert said([one], one) == ["expectations[0] was to be looked at again by 2026-11-24: renamed"]


def test_rules_without_a_case_are_named_where_the_whole_matrix_was_judged() -> None:
    idle, busy, late = rule("a"), rule("b"), rule("c")
    assert said([idle, busy, late], busy) == [
        "Of these pairs no case is spoken of by expectations[0] (a); expectations[2] (c)."
    ]
    assert said([idle, busy, late], busy, whole=False) == []


def test_a_rule_of_a_torch_that_no_pair_has_is_not_idle_for_that() -> None:
    one = rule("a")
    assert said([one.model_copy(update={"torch": "<2.13"})]) == []
    assert said([one.model_copy(update={"torch": ">=2.13"})]) == [
        "Of these pairs no case is spoken of by expectations[0] (a)."
    ]


def test_a_case_that_two_rules_explain_is_named_with_both() -> None:
    one, two, three = rule("a"), rule("b"), rule("c", "tensors")
    assert said([one, two, three], one, two, three) == [
        "expectations[0] (a) and expectations[1] (b) explain the same: 1 case, as p tower/a. Narrow one of them."
    ]
    assert said([one, three], one, three) == []
