"""A case that runs apart has a process of its own. Where there is no GPU a broken CUDA context is only played."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.cell.runtime import isolation
from harness.cell.runtime.runner import Runner
from harness.contract.case import Case, Outcome
from harness.contract.catalog import Catalog
from harness.contract.plan import Plan
from harness.contract.record import CaseLine
from harness.planning import device
from tests.cell.faults.conftest import plan_of

FIRST, SECOND = Case("wrapper", "convnext_atto"), Case("processor", "convnext_atto")


def whose() -> CaseLine:
    return CaseLine(Outcome.PASSED, "", {"pid": os.getpid()})


def dying() -> CaseLine:
    os._exit(7)


def plan_on(device: str, entries: Catalog) -> Plan:
    return plan_of([FIRST, SECOND], entries, lane=f"{device}-float32")


def breaking_the_context_between_two_cases(plan: Plan, folder: Path) -> CaseLine:
    runner = Runner(plan, folder, workers=1)
    first = runner.run(FIRST)
    before = isolation.context_is_broken("cuda")
    torch.zeros(4, device="cuda")[torch.tensor([10**6], device="cuda")]
    runner.broken = isolation.context_is_broken("cuda")
    second = runner.run(SECOND)
    told = {"outcomes": [first.outcome, second.outcome], "broken": [before, runner.broken]}
    return CaseLine(Outcome.PASSED, "", told)


@pytest.mark.slow
def test_what_runs_apart_runs_in_another_process() -> None:
    assert isolation.apart(whose).detail["pid"] != os.getpid()


@pytest.mark.slow
def test_a_process_that_dies_apart_is_a_crash_with_its_exit_code() -> None:
    fields = isolation.apart(dying)
    assert (fields.outcome, fields.reason) == ("crashed", "the case's own process ended with exit code 7")


def test_the_cpu_has_no_context_to_break() -> None:
    assert not isolation.context_is_broken("cpu")


@pytest.mark.slow
def test_after_a_case_broke_the_context_the_next_one_runs_apart_and_is_what_it_is(
    entries: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apart: list[Case] = []

    def seen(work: Any, *arguments: Any) -> CaseLine:
        apart.append(arguments[-1])
        return real(work, *arguments)

    real = isolation.apart
    monkeypatch.setattr(isolation, "apart", seen)
    monkeypatch.setattr(isolation, "context_is_broken", lambda _: True)
    runner = Runner(plan_on("cpu", entries), tmp_path / "worker", workers=1)
    outcomes = [runner.run(case).outcome for case in (FIRST, SECOND)]
    runner.close()
    assert outcomes == ["passed", "passed"]
    assert apart == [SECOND]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(device.missing("cuda") is not None, reason="no CUDA device: no real context has been broken here")
def test_an_index_out_of_bounds_on_a_gpu_costs_the_next_case_nothing(entries: Catalog, tmp_path: Path) -> None:
    plan = plan_on("cuda", entries)
    found = isolation.apart(breaking_the_context_between_two_cases, plan, tmp_path / "worker")
    assert found.detail == {"outcomes": ["passed", "passed"], "broken": [False, True]}
