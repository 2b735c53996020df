"""What a scenario changes for the whole process is found and undone, however the scenario ends."""

import os
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from transformers import PreTrainedModel

from harness.cell.guards import process
from harness.cell.guards.leaks import Leak, Leaks
from harness.cell.scenarios.context import CaseContext
from harness.cell.scenarios.protocol import Scenario
from tests.cell.faults.conftest import Attempt
from tests.cell.faults.faulty import Scenarios


def _double() -> Callable[[], Any]:
    torch.set_default_dtype(torch.float64)
    return lambda: torch.get_default_dtype()  # noqa: PLW0108 - mypy does not know torch


def _function() -> Callable[[], Any]:
    torch.nn.functional.relu = torch.nn.functional.gelu
    return lambda: torch.nn.functional.relu


def _class_method() -> Callable[[], Any]:
    PreTrainedModel.from_pretrained = classmethod(lambda *_: None)
    return lambda: PreTrainedModel.__dict__["from_pretrained"]


def _variable() -> Callable[[], Any]:
    os.environ.update(LEFT="1", TOKENIZERS_PARALLELISM="true")
    return lambda: (os.environ.get("LEFT"), os.environ["TOKENIZERS_PARALLELISM"])


def _seed() -> Callable[[], Any]:
    torch.manual_seed(7)
    return torch.initial_seed  # type: ignore[no-any-return]


def _filter() -> Callable[[], Any]:
    warnings.filterwarnings("ignore", category=BytesWarning)
    return lambda: list(warnings.filters)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_double, ("default dtype", "was torch.float32 and is torch.float64")),
        (_function, ("torch.nn.functional.relu", "is another function")),
        (_class_method, ("PreTrainedModel.from_pretrained", "is another function")),
        (_variable, ("environment variables", "have changed: LEFT, TOKENIZERS_PARALLELISM")),
        (_seed, ("torch's generator", "was seeded")),
        (_filter, ("Python's warnings filters", "have changed: ignore BytesWarning")),
    ],
    ids=["a setting", "a function", "a class method", "variables", "a seed", "a filter of warnings"],
)
def test_a_change_is_described_and_undone(
    change: Callable[[], Callable[[], Any]], message: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    before, leaks = PreTrainedModel.__dict__["from_pretrained"], Leaks()
    now = change()
    changed = now()
    assert Leak(*message) in leaks.now()
    assert leaks.undo() == [Leak(*message)]
    assert now() != changed
    assert PreTrainedModel.__dict__["from_pretrained"] is before
    assert Leaks().undo() == []


def test_a_scenario_that_is_interrupted_leaves_nothing_changed(attempt: Attempt) -> None:
    """As pytest-timeout interrupts it: with an exception that is no finding."""

    def interrupted(_context: CaseContext) -> Scenario:
        torch.set_default_dtype(torch.float64)
        pytest.fail("Timeout (>15.0s) from pytest-timeout.")
        yield  # a scenario is an iterator

    with pytest.raises(pytest.fail.Exception, match="Timeout"):
        attempt(Scenarios({"": interrupted}), "convnext_atto")
    assert torch.get_default_dtype() == torch.float32


def test_a_scenario_that_exits_is_an_error_and_nothing_runs_after_it(
    attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    spoiled: list[str] = []
    monkeypatch.setattr(process, "_SPOILED", spoiled)

    def exiting(_context: CaseContext) -> Scenario:
        ran.append("exiting")
        raise SystemExit(0)
        yield  # a scenario is an iterator

    def other(_context: CaseContext) -> Scenario:
        ran.append("other")
        yield from ()

    line = attempt(Scenarios({"first": exiting, "second": other}), "convnext_atto")
    assert line.outcome == "error"
    assert line.reason.startswith("SystemExit in phase native (first) at test_leaks.py:")
    assert (ran, spoiled) == (["exiting"], ["SystemExit"])


@pytest.mark.parametrize("seed", [0, 42])
def test_seeding_torch_with_the_seed_that_it_has_is_found(seed: int) -> None:
    torch.manual_seed(seed)
    state, leaks = torch.get_rng_state(), Leaks()
    torch.manual_seed(seed)
    assert leaks.undo() == [Leak("torch's generator", "was seeded")]
    assert torch.equal(torch.get_rng_state(), state)


def test_what_is_drawn_from_torch_is_put_back_and_no_leak() -> None:
    state, leaks = torch.get_rng_state(), Leaks()
    torch.rand(3)
    assert leaks.undo() == []
    assert torch.equal(torch.get_rng_state(), state)
