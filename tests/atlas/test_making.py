"""An entry, made from verdicts."""

from dataclasses import replace
from typing import Any

from harness.atlas.entries.entry import Cause
from harness.atlas.making import answers, entries_of, entry_of
from harness.atlas.measured import Atlas
from harness.atlas.words import sentence
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


def test_records_are_told_in_the_sentence_that_the_atlas_says_once_it_has_them(small_matrix: Matrix) -> None:
    pair, renamed = small_matrix.pairs[0], known("keys", remedy=next(iter(REMEDIES)))
    some = [
        judged("resnet18", scenario(""), outcome="passed"),
        judged(
            "test_convnext", scenario("", finding("keys"), remedied=tried([renamed])), outcome="keys", rules=[renamed]
        ),
        judged("cait_xxs24_224", scenario("", finding("tensors")), outcome="tensors"),
        judged("convnext_tiny", outcome="unsupported", reason="convnext_tiny is an encoder"),
        judged("convnext_base", outcome="not-run", reason="no room"),
    ]
    cases = [replace(case, pair=pair.id) for case in some]
    [told] = answers([pair], cases)
    entry = entry_of(pair, cases, "narrow")
    known_of = Atlas({entry.releases: entry}, LANE)
    asked = {"tower": ["resnet18", "test_convnext", "cait_xxs24_224", "convnext_tiny", "convnext_base"]}
    assert sentence(told) == sentence(replace(told, parts=tuple(known_of.parts(entry.releases, asked))))
    assert sentence(told).endswith(
        "broken: 1, works with a remedy: 1, not known: 1, works: 1, unsupported: 1, of 5 cases."
    )


def test_of_several_variants_each_counts_and_a_lane_in_which_nothing_was_tried_is_not_told(
    small_matrix: Matrix,
) -> None:
    pair = small_matrix.pairs[0]
    good = replace(judged("a", scenario(""), outcome="passed"), pair=pair.id)
    other = replace(good, case=Case("tower", "a", "bin"))
    elsewhere = replace(
        good, lane="cuda-float32", verdict=Verdict.INCOMPLETE, record=None, missing=NO_RECORD, header=None
    )
    [told] = answers([pair], [good, other, elsewhere])
    assert sentence(told).endswith("in cpu-float32: works: 2, of 2 cases.")


def test_of_ones_own_runs_a_case_that_none_came_to_is_none(small_matrix: Matrix) -> None:
    pair = small_matrix.pairs[0]
    good = replace(judged("a", scenario(""), outcome="passed"), pair=pair.id)
    missing = replace(good, case=Case("tower", "b"), verdict=Verdict.INCOMPLETE, record=None, missing=NO_RECORD)
    withdrawn = replace(missing, case=Case("tower", "c"), withdrawn=True)
    [entry] = entries_of([pair], [good, missing, withdrawn], "narrow")
    assert (entry.lanes[LANE].models, entry.lanes[LANE].routes["tower"].open) == (("a", "c"), ("c",))
