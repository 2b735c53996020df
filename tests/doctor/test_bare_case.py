"""The bare work with which a case is compared."""

import os
from pathlib import Path

import pytest
import torch

from harness.cell.runtime.runner import THREADS, Runner
from harness.contract.case import Case
from harness.contract.catalog import Catalog, Entry
from harness.contract.plan import Tolerance
from harness.doctor import bare_case
from tests.cell.faults.conftest import plan_of

pytestmark = pytest.mark.slow

MODELS = ("test_vit2", "resnet18")


def test_both_measure_every_model_as_often_as_repeats_says(entries: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    work = bare_case.bare

    def counted(entry: Entry, folder: Path) -> None:
        done.append(entry.model)
        work(entry, folder)

    monkeypatch.setattr(bare_case, "bare", counted)
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)  # of the process of all these tests
    seconds_by_kind = bare_case.measure(plan_of([Case("wrapper", model) for model in MODELS], entries), repeats=2)
    assert [len(seconds) for seconds in seconds_by_kind.values()] == [2, 2]
    assert min(min(seconds) for seconds in seconds_by_kind.values()) > 0
    assert done == [*MODELS] * 3  # once more than is counted


def test_a_model_that_breaks_measures_nothing(entries: Catalog) -> None:
    plan = plan_of([Case("wrapper", MODELS[0])], entries, tolerance=Tolerance(rtol=-1.0, atol=-1.0))
    with pytest.raises(RuntimeError, match=r"^test_vit2: "):
        bare_case.measure(plan, repeats=1)


def test_a_worker_computes_on_its_share_of_the_cores_or_on_as_many_as_it_is_told(
    entries: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", threads.append)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    plan = plan_of([Case("wrapper", MODELS[0])], entries)
    monkeypatch.delenv(THREADS, raising=False)
    Runner(plan, tmp_path, workers=2)
    assert threads == [4]
    monkeypatch.setenv(THREADS, "1")
    Runner(plan, tmp_path, workers=2)
    assert threads == [4]
