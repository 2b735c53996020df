"""A case that runs apart has a process of its own. For want of a GPU a broken CUDA context is played here."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from harness.catalog import Catalog
from harness.cell import isolation
from harness.cell.runner import Runner
from harness.record import Case

FIRST, SECOND = Case("wrapper", "convnext_atto"), Case("processor", "convnext_atto")


def whose() -> Mapping[str, Any]:
    return {"pid": os.getpid()}


def dying() -> Mapping[str, Any]:
    os._exit(7)


@pytest.mark.slow
def test_what_runs_apart_runs_in_another_process() -> None:
    assert isolation.apart(whose)["pid"] != os.getpid()


@pytest.mark.slow
def test_a_process_that_dies_apart_is_a_crash_with_its_exit_code() -> None:
    fields = isolation.apart(dying)
    assert (fields["outcome"], fields["reason"]) == ("crashed", "the case's own process ended with exit code 7")


def test_the_cpu_has_no_context_to_break() -> None:
    assert not isolation.context_is_broken("cpu")


@pytest.mark.slow
def test_after_a_case_broke_the_context_the_next_one_runs_apart_and_is_what_it_is(
    entries: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = {
        "entries": [asdict(entries["convnext_atto"])],
        "device": "cpu",
        "dtype": "float32",
        "tolerance": {"rtol": 1e-5, "atol": 1e-5},
    }
    apart: list[Case] = []

    def seen(work: Any, *arguments: Any) -> Mapping[str, Any]:
        apart.append(arguments[-1])
        return real(work, *arguments)

    real = isolation.apart
    monkeypatch.setattr(isolation, "apart", seen)
    monkeypatch.setattr(isolation, "context_is_broken", lambda _: True)
    runner = Runner(plan, tmp_path / "worker", workers=1)
    outcomes = [runner.run(case)["outcome"] for case in (FIRST, SECOND)]
    runner.close()
    assert outcomes == ["passed", "passed"]
    assert apart == [SECOND]
    assert list(tmp_path.iterdir()) == []
