import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.config.matrix import Matrix, Route
from harness.config.pair import Defaults, Pair
from harness.contract.case import Case, Size
from harness.contract.catalog import Catalog
from harness.planning import plan
from harness.report import causes, reproduction
from harness.results.failure import cause_of
from harness.results.judging import Judged, Verdict, judge
from harness.results.store import Recorded
from tests.arguments import parse
from tests.findings import case_line, finding, scenario, tried
from tests.known import Known, known
from tests.summaries import NEW, cases, each, from_lines


def record(reason: str | None, model: str = "vit_tiny", outcome: str = "keys", **detail: Any) -> dict[str, Any]:
    return {"model": model, "outcome": outcome, "reason": reason, "detail": detail}


def regressed(*records: dict[str, Any]) -> list[Judged]:
    by_case = {Case("tower", record["model"]): record for record in records}
    recorded = Recorded("pair", "cpu-float32", {case.id: record for case, record in by_case.items()})
    return judge(by_case, recorded, lambda _: [])


GENERAL = {
    "24 keys renamed: blocks.0.ls1.gamma -> blocks.0.ls1.weight": (
        "N keys renamed: blocks.N.lsN.gamma -> blocks.N.lsN.weight"
    ),
    "`a.rope` differs by 1.5e-07": "NAME differs by N",
    "KeyError: 'a.b' in \"load\"": "KeyError: NAME in NAME",
    "vit_tiny doesn't load, can't say why": "MODEL doesn't load, can't say why",
    "Cannot reach https://hub/api/slim_vit_tiny: offline": "Cannot reach https://hub/api/MODEL: offline",
}


@pytest.mark.parametrize(("reason", "cause"), GENERAL.items(), ids=GENERAL)
def test_a_cause_is_a_reason_without_its_names_and_numbers(reason: str, cause: str) -> None:
    assert cause_of(record(reason)) == cause


def test_a_cause_that_the_record_names_is_preferred() -> None:
    assert cause_of(record("24 keys renamed", cause="gamma renamed")) == "gamma renamed"


def test_a_record_without_a_reason_has_its_outcome_for_a_cause() -> None:
    assert cause_of(record(None)) == "keys"


def test_one_cause_gathers_its_models_and_another_stays_apart() -> None:
    judged = regressed(
        record("no such file", "c"),
        record("1 key renamed: `a.gamma`", "a"),
        record("1 key renamed: `b.gamma`", "b"),
        record("1 key renamed: `d.gamma`", "d", outcome="tensors"),
    )
    assert [(cause.outcome, sorted(cause.models)) for cause in causes.find(judged)] == [
        ("keys", ["a", "b"]),
        ("keys", ["c"]),
        ("tensors", ["d"]),
    ]


def test_the_quickest_case_stands_for_its_cause() -> None:
    seconds = {"large": 90.0, "small": 1.5, "crashed": None}
    (cause,) = causes.find(regressed(*({**record("x", model), "seconds": took} for model, took in seconds.items())))
    assert cause.example.case.model == "small"


def test_green_and_skipped_cases_have_no_cause() -> None:
    skipped = [record("no device", "a", "not-run"), record("no such route", "b", "unsupported")]
    assert causes.find(regressed(*skipped, record(None, "c", "drifted"))) == []


DEFAULTS = Defaults(python="3.11", torch="2.14.1", torchvision="0.29.1")


@pytest.mark.parametrize(
    ("python", "pins"),
    [("3.11", "transformers==5.8.1 timm==1.0.26"), ("3.12", "transformers==5.8.1 timm==1.0.26 python==3.12")],
    ids=["defaults", "another Python"],
)
def test_a_pair_that_matrix_yaml_does_not_name_is_reproduced_by_its_pins(python: str, pins: str) -> None:
    pair = Pair(
        transformers="5.8.1", timm="1.0.26", torch="2.14.1", torchvision="0.29.1", python=python, defaults=DEFAULTS
    )
    judged = Judged(pair.id, "cpu-float32", Case("tower", "a"), regressed(record("x"))[0].verdict)
    command = f"nox -s pair -- {pins} --lane cpu-float32 --route tower --model a --variant safetensors --rerun"
    assert reproduction.of_pair(pair)(judged) == command


@pytest.mark.parametrize("model", ["eva02_large", "convnext_atto"])
def test_a_command_runs_its_case_and_no_other_recorded_or_not(
    model: str, small_matrix: Matrix, small_catalog: Catalog, packaged: Path
) -> None:
    assert packaged
    routes = {"tower": Route(models="quick", variants=("sharded", "bin"))}
    varied = small_matrix.model_copy(update={"routes": routes})
    case = Judged(small_matrix.pairs[1].id, "cpu-float32", Case("tower", model), regressed(record("x"))[0].verdict)
    words = shlex.split(reproduction.of_matrix(Path("other.yaml"))(case).partition(" -- ")[2])
    options = parse(words)
    lane = next(lane for lane in small_matrix.lanes if lane.name == "cpu-float32")
    assert [planned.id for planned in plan.cases_of(varied, small_catalog, lane, options)] == [case.case.id]
    assert [pair.id for pair in plan.pairs(varied, options)] == [case.pair]
    assert (options.rerun, options.matrix) == (True, Path("other.yaml"))


def test_a_user_model_is_named_with_its_configuration() -> None:
    header = {"own": {"target": "pkg.mod:Cls", "config": '{"a": 1}', "maker": None}}
    case = Judged("pair", "cpu-float32", Case("own", "pkg.mod:Cls"), regressed(record("x"))[0].verdict, header=header)
    user_model = """--own pkg.mod:Cls --config '{"a": 1}' --variant safetensors --rerun"""
    assert reproduction.of_matrix()(case) == f"nox -s matrix -- --pair pair --lane cpu-float32 {user_model}"


def test_a_variant_and_a_size_that_are_not_the_default_are_part_of_the_command() -> None:
    case = Judged("pair", "cpu-float32", Case("tower", "a", "sharded", Size.FULL), regressed(record("x"))[0].verdict)
    options = "--route tower --model a --variant sharded --size full --rerun"
    assert reproduction.of_matrix()(case) == f"nox -s matrix -- --pair pair --lane cpu-float32 {options}"


def test_cases_that_one_rule_explains_have_one_cause_and_those_that_it_does_not_have_their_own() -> None:
    rule = known("keys", "gamma is renamed")
    explained = cases(NEW, each("tower", "keys", "24 keys renamed", "no such key"), rules=[rule])
    regressed = cases(NEW, each("tower", "error", "no such file", "no such class"), rules=[rule])
    assert [
        (cause.verdict, cause.name, cause.rule, len(cause.judged)) for cause in causes.find(explained + regressed)
    ] == [
        (Verdict.REGRESSED, "no such file", None, 1),
        (Verdict.REGRESSED, "no such class", None, 1),
        (Verdict.AS_EXPECTED, "gamma is renamed", rule, 2),
    ]


def test_what_is_fixed_has_the_cause_of_its_rule_whether_it_passes_or_drifts() -> None:
    rule = known("keys", "gamma is renamed")
    fixed = cases(NEW, {"tower/a": ("passed", None), "tower/b": ("drifted", None)}, rules=[rule])
    [cause] = causes.find(fixed)
    assert (cause.verdict, cause.outcome, cause.name, cause.models) == (
        Verdict.FIXED,
        None,
        "gamma is renamed",
        {"a", "b"},
    )


def test_of_causes_that_are_as_grave_the_one_with_most_cases_comes_first() -> None:
    judged = cases(NEW, {**each("tower", "keys", "lost"), **each("wrapper", "keys", *["renamed"] * 2)})
    assert [cause.name for cause in causes.find(judged)] == ["renamed", "lost"]


LOAD = known("keys", "gamma is renamed", remedy="load_by_exact_names")
GAMMA = finding(how="gamma renamed")
CAST, SHAPE = (finding("error", what="RuntimeError", how=how) for how in ("expected Half", "expected 4 dimensions"))


def of_lines(*found: dict[str, Any], rules: Sequence[Known] = (LOAD,)) -> list[Judged]:
    return from_lines(NEW, {f"tower/m{number}": line for number, line in enumerate(found)}, rules)


def test_what_no_rule_explains_is_a_cause_of_its_own_whatever_is_known_beside_it() -> None:
    found = causes.find(
        of_lines(
            case_line(scenario("", GAMMA, replace(CAST, example="a.py:1", count=2))),
            case_line(scenario("", GAMMA, replace(CAST, example="b.py:2"))),
            case_line(scenario("", GAMMA, SHAPE)),
        )
    )
    assert [(cause.verdict, cause.name, cause.models) for cause in found] == [
        (Verdict.REGRESSED, "error in the loading report: RuntimeError: expected Half", {"m0", "m1"}),
        (Verdict.REGRESSED, "error in the loading report: RuntimeError: expected N dimensions", {"m2"}),
    ]
    assert list(causes.explain(found[1])) == [f"{SHAPE.words}; known beside it: gamma is renamed"]


def test_a_cause_says_in_how_many_cases_its_remedy_holds() -> None:
    cast = known("error", "cast", what="RuntimeError", how="*Half*")
    mended = case_line(scenario("", GAMMA, remedied=tried([LOAD])))
    partly = case_line(scenario("", GAMMA, remedied=tried([LOAD], CAST)))
    [cause] = causes.find(of_lines(mended, mended))
    assert causes.remedy(cause) == "remedy load_by_exact_names: 2 of 2 cases green with it"
    [cause] = causes.find([*of_lines(mended), *of_lines(partly, partly, rules=[LOAD, cast])])
    assert causes.remedy(cause) == (
        "remedy load_by_exact_names: 1 of 3 cases green with it; 2 cases broken for another known reason too"
    )


def test_a_cause_without_a_remedy_that_was_run_says_nothing_of_one() -> None:
    [cause] = causes.find(of_lines(case_line(scenario("", GAMMA)), rules=[known("keys", "gamma is renamed")]))
    assert causes.remedy(cause) is None
    [regressed] = causes.find(of_lines(case_line(scenario("", CAST)), rules=[]))
    assert causes.remedy(regressed) is None
