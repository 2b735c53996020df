"""An isolated case has a process of its own. Without a GPU a broken CUDA context is simulated."""

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


def own_pid() -> CaseLine:
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
    runner.context_broken = isolation.context_is_broken("cuda")
    second = runner.run(SECOND)
    detail = {"outcomes": [first.outcome, second.outcome], "broken": [before, runner.context_broken]}
    return CaseLine(Outcome.PASSED, "", detail)


@pytest.mark.slow
def test_an_isolated_case_runs_in_another_process() -> None:
    assert isolation.in_new_process(own_pid).detail["pid"] != os.getpid()


@pytest.mark.slow
def test_an_isolated_process_that_dies_is_a_crash_with_its_exit_code() -> None:
    fields = isolation.in_new_process(dying)
    assert (fields.outcome, fields.reason) == ("crashed", "the case's own process ended with exit code 7")


def test_the_cpu_has_no_context_to_break() -> None:
    assert not isolation.context_is_broken("cpu")


@pytest.mark.slow
def test_after_a_case_broke_the_context_the_next_one_is_isolated_and_unaffected(
    entries: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    isolated: list[Case] = []

    def counted(work: Any, *arguments: Any) -> CaseLine:
        isolated.append(arguments[-1])
        return real(work, *arguments)

    real = isolation.in_new_process
    monkeypatch.setattr(isolation, "in_new_process", counted)
    monkeypatch.setattr(isolation, "context_is_broken", lambda _: True)
    runner = Runner(plan_on("cpu", entries), tmp_path / "worker", workers=1)
    outcomes = [runner.run(case).outcome for case in (FIRST, SECOND)]
    runner.close()
    assert outcomes == ["passed", "passed"]
    assert isolated == [SECOND]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(device.missing("cuda") is not None, reason="no CUDA device: no real context has been broken here")
def test_an_index_out_of_bounds_on_a_gpu_costs_the_next_case_nothing(entries: Catalog, tmp_path: Path) -> None:
    plan = plan_on("cuda", entries)
    line = isolation.in_new_process(breaking_the_context_between_two_cases, plan, tmp_path / "worker")
    assert line.detail == {"outcomes": ["passed", "passed"], "broken": [False, True]}
