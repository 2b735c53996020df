"""Two broken cases fail alike if the same rules explain them, or else if they have the same cause."""

from dataclasses import replace

from harness.contract.case import Case
from harness.results.explaining import Explanation
from harness.results.failure import fail_alike
from harness.results.judging import Judged, Verdict
from tests.known import Known, known

FIRST, SECOND = known("keys", "renamed"), known("tensors", "unset")


def explained(*rules: Known, reason: str = "24 keys renamed") -> Judged:
    record = {"outcome": "keys", "reason": reason, "model": "a", "detail": {}}
    found = Explanation(found=rules)
    return Judged("p", "l", Case("tower", "a"), Verdict.AS_EXPECTED, record, rules[0], explained=found)


def test_what_the_same_rules_explain_fails_alike_whatever_the_reason_says() -> None:
    assert fail_alike(explained(FIRST), explained(FIRST, reason="3 keys renamed and one more"))


def test_a_second_known_cause_beside_the_first_is_another_failure() -> None:
    assert not fail_alike(explained(FIRST), explained(FIRST, SECOND))
    assert not fail_alike(explained(FIRST, SECOND), explained(SECOND, FIRST, known("error", "raised")))
    assert fail_alike(explained(FIRST, SECOND), explained(SECOND, FIRST))


def test_what_no_rule_explains_fails_alike_by_its_cause() -> None:
    one, same, other = (
        replace(explained(FIRST, reason=reason), verdict=Verdict.REGRESSED) for reason in ("3 lost", "4 lost", "other")
    )
    assert fail_alike(one, same)
    assert not fail_alike(one, other)
