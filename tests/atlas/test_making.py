"""An entry, made from verdicts."""

from typing import Any

from harness.atlas.entry import Cause
from harness.atlas.making import entry_of
from harness.config.matrix import Matrix
from harness.contract.case import Case
from harness.contract.finding import ScenarioLine
from harness.remedies.table import REMEDIES
from harness.results.judging import NO_RECORD, Judged, Verdict, decide
from tests.findings import case_line, finding, scenario, tried
from tests.known import known

LANE = "cpu-float32"
HEADER = {"started": "2026-11-29T10:00:00+00:00", "cell": {"tower": "d1"}}


def judged(model: str, *scenarios: ScenarioLine, rules: Any = (), **more: Any) -> Judged:
    record = case_line(*scenarios, **more)
    verdict, explained = decide(record, rules)
    return Judged("pair", LANE, Case("tower", model), verdict, record, None, None, tuple(rules), explained, HEADER)


def causes(small_matrix: Matrix, *cases: Judged) -> tuple[Cause, ...]:
    return entry_of(small_matrix.pairs[0], cases, "narrow").lanes[LANE].routes["tower"].causes


def test_green_cases_are_counted_and_those_without_a_result_named(small_matrix: Matrix) -> None:
    open_ = Judged("pair", LANE, Case("tower", "c"), Verdict.INCOMPLETE, missing=NO_RECORD)
    cases = [judged("a", scenario(""), outcome="passed"), judged("b", outcome="not-run", reason="no room"), open_]
    entry = entry_of(small_matrix.pairs[0], cases, "narrow")
    assert entry.versions == small_matrix.pairs[0].versions
    lane = entry.lanes[LANE]
    assert (lane.day, lane.models, lane.size) == ("2026-11-29", ("a", "b", "c"), "narrow")
    tower = lane.routes["tower"]
    assert (tower.passed, tower.open, tower.causes, tower.cell) == (1, ("b", "c"), (), "d1")


def test_what_a_pair_cannot_have_is_told_once_for_all_models(small_matrix: Matrix) -> None:
    cases = [judged(model, outcome="unsupported", reason=f"{model} is an encoder") for model in ("vit_a", "vit_b")]
    tower = entry_of(small_matrix.pairs[0], cases, "narrow").lanes[LANE].routes["tower"]
    assert tower.unsupported == {"MODEL is an encoder": ("vit_a", "vit_b")}


def test_models_with_the_same_cause_are_together_and_scenarios_with_another_apart(small_matrix: Matrix) -> None:
    renamed, unset = known("keys", remedy=next(iter(REMEDIES))), known("tensors")
    broken = finding("keys")
    other = finding("tensors", "rope", "uninitialised")
    first = judged("a", scenario("", broken, remedied=tried([renamed])), outcome="keys", rules=[renamed, unset])
    second = judged(
        "b",
        scenario("", broken, remedied=tried([renamed])),
        scenario("training", other),
        outcome="keys",
        rules=[renamed, unset],
    )
    assert causes(small_matrix, first, second) == (
        Cause("keys", ("",), (renamed.id,), ("a", "b"), remedied=True),
        Cause("tensors", ("training",), (unset.id,), ("b",)),
    )


def test_what_no_rule_explains_is_told_by_its_finding(small_matrix: Matrix) -> None:
    broken = finding("keys")
    assert causes(small_matrix, judged("a", scenario("", broken), outcome="keys")) == (
        Cause("keys", ("",), (), ("a",), finding=broken.words),
    )


def test_a_process_that_died_has_a_cause_too(small_matrix: Matrix) -> None:
    assert causes(small_matrix, judged("a", outcome="crashed", reason="SIGSEGV")) == (
        Cause("crashed", ("",), (), ("a",), finding="crashed: SIGSEGV"),
    )


def test_a_pair_that_could_not_be_installed_has_its_reason(small_matrix: Matrix) -> None:
    case = Judged("pair", LANE, Case("tower", "c"), Verdict.INCOMPLETE, missing="no wheel for Python 3.11")
    lane = entry_of(small_matrix.pairs[0], [case], "narrow").lanes[LANE]
    assert (lane.failed, lane.routes, lane.models) == ("no wheel for Python 3.11", {}, ())
