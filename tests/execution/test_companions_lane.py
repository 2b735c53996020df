"""A lane with companions runs in an environment of its own."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.config.errors import NoCompanion
from harness.config.lane import LaneScope
from harness.config.matrix import Matrix, Route
from harness.environments import companions
from harness.execution.pair_run import PairRun
from harness.planning import device
from tests.arguments import parse
from tests.fake_environment import FakeEnvironment

PAIR = "transformers5.23.0-timm1.0.31"
PLAIN, WITH = "cpu-float32", "cpu-float32-companions"

pytestmark = pytest.mark.usefixtures("packaged", "gpus")


@pytest.fixture
def make(small_matrix: Matrix, monkeypatch: pytest.MonkeyPatch) -> Callable[..., PairRun]:
    monkeypatch.setattr(companions, "releases", lambda _pair, **_: ["accelerate==1.15.0", "peft==0.21.2"])
    lanes = {PLAIN: LaneScope(models="every"), WITH: LaneScope(models=("convnext_atto",))}
    routes = {**small_matrix.routes, "trainer": Route(models=("convnext_atto",))}
    matrix = small_matrix.model_copy(update={"lane_scopes": lanes, "routes": routes})
    return lambda *argv: PairRun.of(matrix, matrix.pairs[1], parse(["--model", "convnext*", *argv]))


def run(pair_run: PairRun, environment: FakeEnvironment) -> None:
    pair_run.run(pair_run.prepare(environment, print), environment, print)


def lines(lane: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("results", PAIR, f"{lane}.jsonl").read_text().splitlines()]


def test_what_needs_a_companion_runs_there_alone_and_the_rest_in_both(make: Callable[..., PairRun]) -> None:
    environment = FakeEnvironment()
    run(make(), environment)
    plain, there = ({case.id for case in plan.cases} for plan in environment.plans)
    assert there == {"wrapper/convnext_atto", "tower/convnext_atto", "trainer/convnext_atto"}
    assert there - {"trainer/convnext_atto"} <= plain
    assert "trainer/convnext_atto" not in plain
    first, second = environment.installed
    assert not {"accelerate", "peft"} & set(first)
    assert {"accelerate", "peft"} <= set(second)


def test_both_environments_are_needed_until_their_cases_are_recorded(make: Callable[..., PairRun]) -> None:
    pair_run = make()
    assert [one.name for one in pair_run.needed_environments()] == [PAIR, f"{PAIR}-companions"]
    run(make("--lane", PLAIN), FakeEnvironment())
    assert [one.name for one in pair_run.needed_environments()] == [f"{PAIR}-companions"]
    run(make(), FakeEnvironment())
    assert pair_run.needed_environments() == []


def test_no_environment_is_needed_for_what_cannot_run_here(
    make: Callable[..., PairRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "missing", lambda _: "no such device")
    assert make().needed_environments() == []


def test_no_run_of_the_one_answers_for_the_other(make: Callable[..., PairRun]) -> None:
    run(make("--lane", PLAIN), FakeEnvironment())
    environment = FakeEnvironment()
    run(make(), environment)
    assert [plan.lane for plan in environment.plans] == [WITH]


def test_a_companion_without_a_release_makes_its_lane_unsupported_and_leaves_the_others(
    make: Callable[..., PairRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: Any, **__: Any) -> list[str]:
        raise NoCompanion("peft had no release for Python 3.11 on 2022-01-01")

    monkeypatch.setattr(companions, "releases", none)
    run(make(), FakeEnvironment())
    assert {line["outcome"] for line in lines(PLAIN) if line["kind"] == "case"} == {"passed"}
    assert {(line["outcome"], line["reason"]) for line in lines(WITH) if line["kind"] == "case"} == {
        ("unsupported", "peft had no release for Python 3.11 on 2022-01-01")
    }
