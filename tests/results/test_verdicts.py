import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import jsonschema
import pytest

from harness.config.errors import BadInput, InstallationError
from harness.config.expectation import Finds
from harness.config.lane import LaneScope
from harness.config.matrix import Matrix, Route
from harness.contract.catalog import BERT, Catalog
from harness.contract.finding import ScenarioLine, worst
from harness.environments import catalog_history
from harness.execution.pair_run import PairRun
from harness.results.judging import WITHDRAWN, Judged, Verdict, exit_code
from harness.results.verdicts import judged, of, stand_ins, unmended
from tests.arguments import parse
from tests.fake_environment import FakeEnvironment
from tests.findings import finding, scenario, tried
from tests.places import ROOT, SCHEMAS

OLD = "transformers4.48.3-timm1.0.14"
NEW = "transformers5.23.0-timm1.0.31"
ATTO = ["--model", "convnext_atto"]

pytestmark = pytest.mark.usefixtures("packaged", "gpus")

Make = Callable[..., PairRun]


@pytest.fixture
def old(small_matrix: Matrix) -> Make:
    """PairRun of the pair that is known to break in `tower`; its timm has no packaged catalog."""
    return lambda *argv: PairRun.of(small_matrix, small_matrix.pairs[0], parse(argv))


@pytest.fixture
def new(small_matrix: Matrix) -> Make:
    return lambda *argv: PairRun.of(small_matrix, small_matrix.pairs[1], parse(argv))


@pytest.fixture
def packaged_for_old(packaged: Path, small_catalog: Catalog) -> None:  # noqa: ARG001 - where it is added
    """The small catalog as the packaged one of the old pair's timm too."""
    catalog_history.add(replace(small_catalog, timm="1.0.14"))


def run(lanes: PairRun, outcomes: dict[str, str | None] | None = None) -> None:
    environment = FakeEnvironment(outcomes)
    lanes.run(lanes.prepare(environment, print), environment, print)


def verdicts(found: list[Judged]) -> dict[tuple[str, str], Verdict]:
    return {(one.lane, one.case.id): one.verdict for one in found}


def test_each_planned_case_has_a_verdict_in_each_selected_lane(new: Make) -> None:
    run(new(*ATTO))
    assert verdicts(judged([new(*ATTO).records])) == {
        ("cpu-float32", "wrapper/convnext_atto"): Verdict.AS_EXPECTED,
        ("cpu-float32", "tower/convnext_atto"): Verdict.AS_EXPECTED,
        ("cuda-float32", "wrapper/convnext_atto"): Verdict.AS_EXPECTED,
        ("cuda-float32", "tower/convnext_atto"): Verdict.AS_EXPECTED,
    }
    assert {one.lane for one in judged([new(*ATTO, "--lane", "cpu-float32").records])} == {"cpu-float32"}


def test_a_quick_lane_has_verdicts_for_the_quick_models_alone(small_matrix: Matrix) -> None:
    scopes = {**small_matrix.lane_scopes, "cuda-float32": LaneScope(models="quick")}
    matrix = small_matrix.model_copy(update={"lane_scopes": scopes})
    found = judged([PairRun.of(matrix, matrix.pairs[1], parse(["--route", "wrapper", "--model", "eva*"])).records])
    assert [(one.lane, one.case.id) for one in found] == [
        ("cpu-float32", "wrapper/eva02_large"),
        ("cpu-float32", "wrapper/eva02_tiny"),
        ("cuda-float32", "wrapper/eva02_tiny"),
    ]


def test_a_model_without_a_case_is_stood_for_by_the_smallest_of_its_kind_that_has_one(
    new: Make, small_catalog: Catalog
) -> None:
    assert of([new("--quick").records]).stand_ins == {"eva02_large": "eva02_tiny"}
    assert of([new(*ATTO).records]).stand_ins == {}
    larger = [replace(small_catalog["eva02_tiny"], model=f"eva02_{params}", params=params) for params in (300, 250)]
    tried = {"eva02_300", "eva02_250", "resnet18"}
    assert stand_ins([*small_catalog, *larger], tried) == dict.fromkeys(("eva02_large", "eva02_tiny"), "eva02_250")


def test_the_case_without_a_model_of_timms_is_judged_by_the_rules_that_name_its_model(small_matrix: Matrix) -> None:
    fields = {"models": ("bert",), "where": None, "routes": ("legacy-layernorm",), "transformers": None}
    matrix = small_matrix.model_copy(
        update={
            "routes": {"legacy-layernorm": Route(models=("bert",))},
            "expectations": (small_matrix.expectations[0].model_copy(update=fields),),
        }
    )
    lanes = PairRun.of(matrix, matrix.pairs[1], parse(["--lane", "cpu-float32"]))
    run(lanes, {"legacy-layernorm/bert": "keys"})
    assert verdicts(judged([lanes.records])) == {("cpu-float32", "legacy-layernorm/bert"): Verdict.AS_EXPECTED}


def test_only_what_is_selected_is_judged_however_much_is_recorded(new: Make) -> None:
    run(new())
    found = judged([new(*ATTO, "--route", "tower", "--lane", "cpu-float32").records])
    assert [one.case.id for one in found] == ["tower/convnext_atto"]


def test_without_records_every_case_is_incomplete(new: Make) -> None:
    found = judged([new(*ATTO, "--lane", "cpu-float32").records])
    assert [(one.verdict, one.reason) for one in found] == [
        (Verdict.INCOMPLETE, "no record: the run did not come this far")
    ] * 2


def test_a_failure_without_a_rule_for_this_pair_has_regressed(new: Make) -> None:
    run(new(*ATTO), {"tower/convnext_atto": "keys"})
    [one] = judged([new(*ATTO, "--route", "tower", "--lane", "cpu-float32").records])
    assert (one.pair, one.verdict, one.rule) == (NEW, Verdict.REGRESSED, None)


@pytest.mark.usefixtures("packaged_for_old")
@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [("keys", Verdict.AS_EXPECTED), ("tensors", Verdict.REGRESSED), ("passed", Verdict.FIXED)],
)
def test_a_case_is_held_against_the_rule_that_its_model_and_pair_call_for(
    old: Make, outcome: str, verdict: Verdict
) -> None:
    run(old(*ATTO), {"tower/convnext_atto": outcome})
    [one] = judged([old(*ATTO, "--route", "tower", "--lane", "cpu-float32").records])
    assert (one.pair, one.verdict, one.outcome) == (OLD, verdict, outcome)
    assert (one.rule is None) is (verdict is Verdict.REGRESSED)
    assert one.rule is None or one.rule.because == "renamed"


@pytest.mark.usefixtures("packaged_for_old")
def test_a_rule_is_not_held_against_another_route_nor_against_a_model_without_its_trait(old: Make) -> None:
    run(old(), {"wrapper/convnext_atto": "keys", "tower/resnet18": "keys"})
    found = {one.case.id: one for one in judged([old("--lane", "cpu-float32").records])}
    for case in ("wrapper/convnext_atto", "tower/resnet18"):
        assert (found[case].verdict, found[case].rule) == (Verdict.REGRESSED, None)


def test_records_are_judged_by_the_rules_of_today(new: Make, small_matrix: Matrix) -> None:
    options = [*ATTO, "--route", "tower", "--lane", "cpu-float32"]
    run(new(*options), {"tower/convnext_atto": "keys"})
    wider = small_matrix.expectations[0].model_copy(update={"transformers": ">=5"})
    today = small_matrix.model_copy(update={"expectations": (wider,)})
    assert [one.verdict for one in judged([new(*options).records])] == [Verdict.REGRESSED]
    assert [one.verdict for one in judged([PairRun.of(today, today.pairs[1], parse(options)).records])] == [
        Verdict.AS_EXPECTED
    ]


def test_pairs_follow_each_other(old: Make, new: Make) -> None:
    found = judged([old().records, new().records])
    assert list(dict.fromkeys(one.pair for one in found)) == [OLD, NEW]


def test_without_a_catalog_one_incomplete_case_stands_for_each_selected_route_and_lane(old: Make) -> None:
    found = judged([old().records])
    assert [(one.lane, one.case.id, one.verdict) for one in found] == [
        ("cpu-float32", "wrapper/*", Verdict.INCOMPLETE),
        ("cpu-float32", "tower/*", Verdict.INCOMPLETE),
        ("cuda-float32", "wrapper/*", Verdict.INCOMPLETE),
        ("cuda-float32", "tower/*", Verdict.INCOMPLETE),
    ]
    assert {one.reason for one in found} == {"there is no catalog of timm 1.0.14 yet"}
    few = judged([old("--route", "tower", "--lane", "cpu-float32").records])
    assert [(one.lane, one.case.id) for one in few] == [("cpu-float32", "tower/*")]


def test_an_environment_that_could_not_be_made_says_why_with_or_without_a_catalog(old: Make, new: Make) -> None:
    environment = FakeEnvironment(problem=InstallationError("no space left"))
    lanes = [make(*ATTO, "--lane", "cpu-float32") for make in (old, new)]
    for one in lanes:
        with pytest.raises(InstallationError):
            one.run(one.prepare(environment, print), environment, print)
    assert [(one.case.id, one.verdict, one.reason) for one in judged([pair_run.records for pair_run in lanes])] == [
        ("wrapper/*", Verdict.INCOMPLETE, "no space left"),
        ("tower/*", Verdict.INCOMPLETE, "no space left"),
        ("wrapper/convnext_atto", Verdict.INCOMPLETE, "no space left"),
        ("tower/convnext_atto", Verdict.INCOMPLETE, "no space left"),
    ]


def test_the_record_of_a_pair_without_environment_and_catalog_validates(old: Make) -> None:
    with pytest.raises(InstallationError):
        old().prepare(FakeEnvironment(problem=InstallationError("no space left")), print)
    schema = SCHEMAS / "record.json"
    validator = jsonschema.Draft202012Validator(json.loads(schema.read_text()))
    for lane in ("cpu-float32", "cuda-float32"):
        lines = [json.loads(line) for line in Path("results", OLD, f"{lane}.jsonl").read_text().splitlines()]
        assert [error.message for line in lines for error in validator.iter_errors(line)] == []
        run, end = lines
        assert (run["cases"], run["catalog"]) == (["wrapper/*", "tower/*"], None)
        assert (end["failed"], end["reason"]) == ("environment", "no space left")


def test_a_run_that_could_not_be_made_does_not_count_once_there_is_a_catalog(new: Make, packaged: Path) -> None:
    lanes = new(*ATTO, "--lane", "cpu-float32")
    known = (packaged / catalog_history.NAME).rename(packaged / "away")
    with pytest.raises(InstallationError):
        lanes.prepare(FakeEnvironment(problem=InstallationError("no space left")), print)
    known.rename(packaged / catalog_history.NAME)
    assert {one.reason for one in judged([lanes.records])} == {"no record: the run did not come this far"}
    run(lanes)
    assert {one.verdict for one in judged([lanes.records])} == {Verdict.AS_EXPECTED}


def test_a_file_of_records_that_is_none_is_refused(new: Make) -> None:
    file = Path("results", NEW, "cpu-float32.jsonl")
    file.parent.mkdir(parents=True)
    file.write_text('{"kind":"end"}\n')
    with pytest.raises(BadInput) as caught:
        judged([new(*ATTO).records])
    assert str(caught.value) == (
        f"{file}:1: a 'end' line before any run; move that file away, or name another folder with --results"
    )


def try_own(lanes: PairRun, outcome: str, *, gamma_keys: int = 1) -> None:
    """A run of a model of somebody's own, whose record alone knows its traits."""
    environment = FakeEnvironment(dict.fromkeys(["own/a:B", "wrapper/a:B"], outcome))
    environment.detail = {"traits": asdict(replace(BERT, model="a:B", family="own", gamma_keys=gamma_keys))}
    lanes.run(lanes.prepare(environment, print), environment, print)


@pytest.mark.usefixtures("packaged_for_old")
@pytest.mark.parametrize(
    ("outcome", "gamma_keys", "verdict"),
    [
        ("keys", 1, Verdict.AS_EXPECTED),
        ("tensors", 1, Verdict.REGRESSED),
        ("keys", 0, Verdict.REGRESSED),
        ("passed", 1, Verdict.AS_EXPECTED),
    ],
    ids=["a rule explains it", "otherwise broken", "a rule of other models", "no rule expects it"],
)
def test_rules_explain_what_is_seen_of_a_model_of_ones_own_and_expect_nothing_of_it(
    old: Make, outcome: str, gamma_keys: int, verdict: Verdict
) -> None:
    own = old("--own", "a:B", "--variant", "safetensors", "--lane", "cpu-float32")
    try_own(own, outcome, gamma_keys=gamma_keys)
    assert verdicts(judged([own.records])) == {("cpu-float32", "own/a:B"): verdict}


@pytest.mark.usefixtures("packaged_for_old")
@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [("keys", Verdict.AS_EXPECTED), ("tensors", Verdict.REGRESSED), ("passed", Verdict.AS_EXPECTED)],
)
def test_rules_explain_what_is_seen_of_the_hubs_weights_and_expect_nothing_of_them(
    old: Make, outcome: str, verdict: Verdict
) -> None:
    hub = old("--weights", "hub", "--model", "convnext_atto", "--route", "tower", "--lane", "cpu-float32")
    environment = FakeEnvironment({"tower/convnext_atto+full": outcome})
    hub.run(hub.prepare(environment, print), environment, print)
    assert verdicts(judged([hub.records])) == {("cpu-float32", "tower/convnext_atto+full"): verdict}


@pytest.mark.usefixtures("packaged_for_old")
def test_a_model_made_with_another_configuration_has_records_of_its_own(old: Make) -> None:
    one, other = ("--own", "a:B", "--config", "{}"), ("--own", "a:B")
    try_own(old(*one), "passed")
    assert {found.verdict for found in judged([old(*one).records])} == {Verdict.AS_EXPECTED}
    assert {found.verdict for found in judged([old(*other).records])} == {Verdict.INCOMPLETE}


def test_a_red_on_a_gpu_stays_where_a_later_run_has_no_gpu(new: Make, gpus: Callable[[int], None]) -> None:
    words = [*ATTO, "--route", "wrapper", "--lane", "cuda-float32"]
    gpus(1)
    run(new(*words), {"wrapper/convnext_atto": "tensors"})
    gpus(0)
    run(new(*words, "--rerun"))
    [case] = judged([new(*words).records])
    assert (case.outcome, case.verdict, case.could_not_run) == ("tensors", Verdict.REGRESSED, True)


@pytest.mark.parametrize("words", [["--resolve", "latest"], ["--own", "a:B"]], ids=["newest releases", "user model"])
@pytest.mark.parametrize(("outcome", "code"), [("passed", 4), ("keys", 1)])
def test_an_older_result_of_what_may_have_changed_is_no_answer_where_the_last_run_could_not_run_it(
    new: Make, words: list[str], outcome: str, code: int
) -> None:
    lanes = new(*(words if "--own" in words else [*ATTO, "--route", "wrapper", *words]), "--lane", "cpu-float32")
    [lane], known = lanes.records.lanes, lanes.prepare(FakeEnvironment(), print)
    cases = [case.id for case in lanes.records.planned(lane, known)]
    run(lanes, dict.fromkeys(cases, outcome))
    run(lanes, dict.fromkeys(cases, "not-run"))
    found = judged([lanes.records])
    assert exit_code(found) == code
    run(lanes, dict.fromkeys(cases, "passed"))
    assert exit_code(judged([lanes.records])) == 0


def test_a_rerun_that_is_killed_after_its_header_withdraws_the_older_green(new: Make, tmp_path: Path) -> None:
    lanes = new(*ATTO, "--route", "wrapper", "--lane", "cpu-float32")
    run(lanes)
    assert [case.outcome for case in judged([lanes.records])] == ["passed"]
    [lane], found = lanes.records.lanes, lanes.records.catalog()
    assert found
    (tmp_path / "plan.json").write_text(lanes.plan(lane, found, lanes.records.planned(lane, found)).dumps())
    script = (
        "import os, pathlib, signal, sys; from harness.contract.plan import Plan; from harness.contract import record; "
        "log = record.Log(pathlib.Path(sys.argv[1])); plan = Plan.loads(pathlib.Path(sys.argv[2]).read_text()); "
        "log.begin(plan, started=record.now(), packages={}, platform='Linux', device=None); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    words = [sys.executable, "-c", script, str(lanes.records.path(lane).resolve()), str(tmp_path / "plan.json")]
    ended = subprocess.run(words, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)  # noqa: S603 - the test's own words
    assert ended.returncode == -signal.SIGKILL
    [case] = judged([lanes.records])
    assert (case.verdict, case.withdrawn, case.reason) == (Verdict.INCOMPLETE, True, WITHDRAWN)
    assert [pending.id for pending in lanes.pending(lane, found)] == ["wrapper/convnext_atto"]


GAMMA, CAST = finding(how="gamma renamed weight"), finding("error", what="RuntimeError", how="expected Half")


def mending(matrix: Matrix) -> Matrix:
    """The matrix with a remedy for its rule, and with a rule for what may be seen behind it."""
    load = matrix.expectations[0].model_copy(update={"remedy": "load_by_exact_names"})
    finds = (Finds(kind="error", what="*", how="*Half*"),)
    cast = load.model_copy(update={"id": "cast", "because": "cast", "finds": finds, "remedy": "cast_pixels"})
    return matrix.model_copy(update={"expectations": (load, cast)})


def record_scenarios(lanes: PairRun, case: str, *scenarios: ScenarioLine) -> None:
    environment = FakeEnvironment({case: str(worst(line.outcome for line in scenarios))})
    environment.scenarios = {case: scenarios}
    environment.detail = {"traits": asdict(replace(BERT, model="a:B", family="own", gamma_keys=1))}
    lanes.run(lanes.prepare(environment, print), environment, print)


TOWER = ["--route", "tower", "--lane", "cpu-float32"]


@pytest.mark.usefixtures("packaged_for_old")
@pytest.mark.parametrize(
    ("words", "case"),
    [
        ([*ATTO, *TOWER], "tower/convnext_atto"),
        (["--own", "a:B", "--variant", "safetensors", "--lane", "cpu-float32"], "own/a:B"),
        (["--weights", "hub", *ATTO, *TOWER], "tower/convnext_atto+full"),
    ],
    ids=["of timm", "user model", "of the hub"],
)
def test_a_case_is_remedied_by_a_rule_and_by_another_behind_it(
    small_matrix: Matrix, words: list[str], case: str
) -> None:
    matrix = mending(small_matrix)
    lanes = PairRun.of(matrix, matrix.pairs[0], parse(words))
    record_scenarios(lanes, case, scenario("", GAMMA, remedied=tried(matrix.expectations)))
    [judgement] = judged([lanes.records])
    assert (judgement.verdict, [rule.id for rule in judgement.explained.found]) == (
        Verdict.AS_EXPECTED,
        ["renamed", "cast"],
    )
    assert judgement.is_remedied


@pytest.mark.usefixtures("packaged_for_old")
def test_a_case_that_was_not_run_with_its_remedy_is_incomplete_and_pending_until_it_is(small_matrix: Matrix) -> None:
    matrix = mending(small_matrix)
    matrix = matrix.model_copy(update={"expectations": matrix.expectations[:1]})
    lanes = PairRun.of(matrix, matrix.pairs[0], parse([*ATTO, *TOWER]))
    record_scenarios(lanes, "tower/convnext_atto", scenario("", GAMMA))
    [lane], known = lanes.records.lanes, lanes.records.catalog()
    assert known
    assert [case.verdict for case in judged([lanes.records])] == [Verdict.INCOMPLETE]
    assert unmended(lanes.records, lane, known) == {"tower/convnext_atto"}
    assert [case.id for case in lanes.pending(lane, known)] == ["tower/convnext_atto"]
    record_scenarios(lanes, "tower/convnext_atto", scenario("", GAMMA, remedied=tried(matrix.expectations)))
    assert [case.verdict for case in judged([lanes.records])] == [Verdict.AS_EXPECTED]
    assert unmended(lanes.records, lane, known) == set()
    assert lanes.pending(lane, known) == []


@pytest.mark.usefixtures("packaged_for_old")
def test_what_no_rule_explains_is_a_regression_whatever_is_known_beside_it(old: Make) -> None:
    lanes = old(*ATTO, *TOWER)
    record_scenarios(lanes, "tower/convnext_atto", scenario("", GAMMA), scenario("hidden states", CAST))
    [case] = judged([lanes.records])
    assert (case.verdict, case.rule and case.rule.id) == (Verdict.REGRESSED, "renamed")
    assert case.reason == f"{CAST.words} (hidden states); known beside it: renamed"


@pytest.mark.usefixtures("packaged_for_old")
def test_a_plan_takes_the_rules_that_cover_its_pair_to_the_workers(old: Make, new: Make) -> None:
    for make, rules in ((old, ["renamed"]), (new, [])):
        lanes, environment = make(*ATTO, *TOWER), FakeEnvironment()
        lanes.run(lanes.prepare(environment, print), environment, print)
        assert [rule.id for rule in environment.plans[0].rules] == rules


@pytest.mark.usefixtures("packaged_for_old")
def test_records_of_an_older_schema_are_no_results_and_stay_in_their_file(old: Make) -> None:
    lanes = old(*ATTO, *TOWER)
    run(lanes, {"tower/convnext_atto": "keys"})
    file = Path("results", OLD, "cpu-float32.jsonl")
    before = file.read_text().replace('"schema":2', '"schema":1')
    file.write_text(before)
    assert [case.verdict for case in judged([lanes.records])] == [Verdict.INCOMPLETE]
    run(lanes, {"tower/convnext_atto": "keys"})
    assert [case.verdict for case in judged([lanes.records])] == [Verdict.AS_EXPECTED]
    assert file.read_text().startswith(before)
