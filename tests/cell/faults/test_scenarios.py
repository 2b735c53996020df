"""Findings of one scenario stand whatever happens in another, and a result that does not repeat is recorded."""

import itertools
import os
import resource
from collections.abc import Callable
from typing import Any

import pytest
from torch import nn

from harness.cell.models.native import Outputs
from harness.cell.models.reference import ReferenceModel
from harness.cell.routes import ROUTES
from harness.cell.scenarios import gradients
from harness.cell.scenarios.context import CaseContext
from harness.cell.scenarios.protocol import Loaded, Scenario, Written
from harness.contract.finding import Finding
from tests.cell.faults import faulty
from tests.cell.faults.conftest import Attempt
from tests.cell.faults.faulty import Faulty, Scenarios

CONVNEXT = "convnext_atto"
FIRST, SECOND = "", "13 labels"  # the scenarios of `classifier`
CLASSIFIER, WRAPPER = ROUTES["classifier"], ROUTES["wrapper"]


def once(fault: Callable[[nn.Module], None], then: Callable[[nn.Module], None] = lambda _: None) -> Any:
    """One fault in the first model that is loaded, another in all later ones."""
    faults = itertools.chain([fault], itertools.repeat(then))

    def happen(module: nn.Module) -> None:
        next(faults)(module)

    return happen


def just(name: str) -> Callable[[CaseContext], Scenario]:
    """The first scenario of a route, as a scenario of another."""
    return lambda context: next(iter(ROUTES[name].scenarios(context).values()))


def only_written(context: CaseContext) -> Scenario:
    yield Written(context.folder, ["a"], ["a"])


def misnamed(context: CaseContext) -> Scenario:
    yield Written(context.folder, ["a.weight"], ["a.gamma"])
    yield from just("wrapper")(context)


def unread(context: CaseContext) -> Scenario:
    """The checkpoint is loaded, and the loading report is wrong."""
    for step in just("wrapper")(context):
        if isinstance(step, Loaded):
            gone = [f"{step.prefix}.stem.0.bias"]
            yield Loaded(
                step.model, step.prefix, step.native, {"missing_keys": gone}, absent=frozenset({"stem.0.weight"})
            )
        else:
            yield step


@pytest.mark.parametrize(
    ("raising", "broken"), [(FIRST, SECOND), (SECOND, FIRST)], ids=["exception first", "exception last"]
)
def test_an_exception_in_one_scenario_hides_no_finding_of_another(attempt: Attempt, raising: str, broken: str) -> None:
    faults = Faulty(Faulty(CLASSIFIER, to_model=faulty.refusing, only=raising), to_model=faulty.constant, only=broken)
    record = attempt(faults, CONVNEXT)
    where = f" ({broken})" if broken else ""
    assert record.outcome == "tensors"
    assert record.reason == f"1 parameter not as saved{where}: stages.0.blocks.0.gamma is 1e-05 throughout"
    error = record.detail["error"]
    assert (error["type"], error["message"], error.get("scenario", "")) == ("LookupError", "not this one", raising)
    assert error["frame"].startswith("faulty.py:")
    assert error["frame"].endswith(" in refusing")
    assert "errors" not in record.detail
    assert "nondeterministic" not in record.detail


def test_a_scenario_runs_though_another_raised(attempt: Attempt) -> None:
    record = attempt(Faulty(CLASSIFIER, to_model=faulty.refusing, only=SECOND), CONVNEXT)
    assert record.outcome == "error"
    assert record.reason.startswith("LookupError in phase load (13 labels) at faulty.py:")
    assert next(iter(record.detail["outputs"])) == "logits"


def test_an_exception_in_the_forward_pass_hides_no_tensor_that_differs_in_its_scenario(attempt: Attempt) -> None:
    both = Faulty(Faulty(WRAPPER, to_model=faulty.constant), to_model=faulty.raising)
    record = attempt(both, CONVNEXT)
    assert record.outcome == "tensors"
    assert record.detail["error"]["message"] == "no forward pass today"
    assert record.detail["error"]["phase"] == "run"


def test_every_exception_is_recorded_with_its_scenario_and_the_first_is_the_reason(attempt: Attempt) -> None:
    faults = Faulty(Faulty(CLASSIFIER, to_model=faulty.raising, only=FIRST), to_model=faulty.refusing, only=SECOND)
    record = attempt(faults, CONVNEXT)
    errors = record.detail["errors"]
    summaries = [(error["type"], error["phase"], error.get("scenario", "")) for error in errors]
    assert record.outcome == "error"
    assert summaries == [("RuntimeError", "run", FIRST), ("LookupError", "load", SECOND)]
    assert record.detail["error"] == errors[0]
    assert record.reason.startswith("RuntimeError in phase run at faulty.py:")
    assert record.reason.endswith(" in hook: no forward pass today")


def test_names_in_a_later_scenario_come_before_tensors_in_an_earlier_one(attempt: Attempt) -> None:
    faults = Faulty(
        Faulty(CLASSIFIER, to_model=faulty.constant, only=FIRST), to_model=faulty.without_scales, only=SECOND
    )
    record = attempt(faults, CONVNEXT)
    assert record.outcome == "keys"
    assert record.reason.startswith("the model that transformers loaded (13 labels): keys 5 missing (")
    assert record.detail["tensors"]["looks"]["constant"] == 1


def test_an_exception_before_the_first_step_of_a_scenario_is_in_the_phase_of_that_scenario(attempt: Attempt) -> None:
    def unable(_context: CaseContext) -> Scenario:
        yield from ()
        raise LookupError("no native model")

    record = attempt(Scenarios({"one": just("wrapper"), "two": unable}), CONVNEXT)
    assert record.reason.startswith("LookupError in phase native (two) at test_scenarios.py:")


@pytest.mark.parametrize(
    "scenarios",
    [{}, {"": faulty.empty}, {"": only_written}, {"one": just("wrapper"), "two": faulty.empty}],
    ids=["no scenario", "an empty scenario", "a scenario that loads nothing", "one scenario of two"],
)
def test_a_route_that_compares_nothing_is_not_green(attempt: Attempt, scenarios: Any) -> None:
    record = attempt(Scenarios(scenarios), CONVNEXT)
    assert record.outcome == "error"
    assert "nothing was compared" in record.reason


def test_a_file_with_other_names_is_keys_though_it_loads(attempt: Attempt) -> None:
    record = attempt(Scenarios({"": misnamed}), CONVNEXT)
    assert record.outcome == "keys"
    assert record.reason == (
        "the file that transformers wrote: keys renamed, 1 of gamma to weight (a.gamma became a.weight)"
    )
    assert record.detail["silent"] is True


def test_a_report_that_omits_a_missing_name_is_as_wrong_as_one_that_lists_a_present_one(
    attempt: Attempt,
) -> None:
    record = attempt(Scenarios({"": unread}), CONVNEXT)
    assert record.outcome == "keys"
    assert record.detail["names"][0]["missing"] == {"count": 1, "first": ["stem.0.bias"]}
    assert "unexpected" not in record.detail["names"][0]
    (reported,) = (
        finding for scenario in record.scenarios for finding in scenario.findings if finding.kind == "report"
    )
    assert (reported.example, reported.how) == ("stem.0.weight", "is missing and not listed")


def test_a_fault_that_does_not_repeat_is_recorded_with_the_second_result(attempt: Attempt) -> None:
    record = attempt(Faulty(WRAPPER, to_model=once(faulty.constant)), CONVNEXT)
    assert record.outcome == "tensors"
    assert record.detail["nondeterministic"] == {"outcome": "passed", "reason": ""}


def test_a_fault_that_differs_the_second_time_is_recorded(attempt: Attempt) -> None:
    record = attempt(Faulty(WRAPPER, to_model=once(faulty.constant, then=faulty.unset), only=FIRST), CONVNEXT)
    assert record.outcome == "tensors"
    assert record.detail["cause"] == "parameters constant"
    assert record.detail["nondeterministic"] == {
        "outcome": "tensors",
        "reason": "1 parameter not as saved: stages.0.blocks.0.gamma is NaN throughout,"
        " as uninitialised memory is here",
    }


def test_a_fault_of_which_only_figures_change_is_the_same_fault(attempt: Attempt) -> None:
    record = attempt(Faulty(WRAPPER, to_model=faulty.dropping), CONVNEXT)
    assert record.outcome == "outputs"
    assert "nondeterministic" not in record.detail


def test_a_green_case_runs_once_and_a_broken_one_repeats_the_scenarios_that_failed(attempt: Attempt) -> None:
    loaded: list[str] = []

    def counting(name: str) -> Callable[[nn.Module], None]:
        return lambda _: loaded.append(name)

    def counted(route: Any) -> Faulty:
        return Faulty(Faulty(route, to_model=counting("one"), only=FIRST), to_model=counting("two"), only=SECOND)

    attempt(counted(CLASSIFIER), CONVNEXT)
    assert loaded == ["one", "two"]
    loaded.clear()
    attempt(counted(Faulty(CLASSIFIER, to_model=faulty.constant, only=SECOND)), CONVNEXT)
    assert loaded == ["one", "two", "two"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("quick", "scenarios", "passes"),
    [(True, [FIRST, SECOND, "arguments", "training"], 2), (False, [FIRST, SECOND], 0)],
    ids=["quick", "not quick"],
)
def test_only_a_quick_model_runs_optional_scenarios_and_a_pass_back(
    attempt: Attempt, monkeypatch: pytest.MonkeyPatch, *, quick: bool, scenarios: list[str], passes: int
) -> None:
    went: list[object] = []

    def differing(*compared: object) -> list[Finding]:
        went.append(compared)
        return []

    monkeypatch.setattr(gradients, "differing", differing)
    line = attempt(CLASSIFIER, CONVNEXT, quick=quick)
    assert [scenario.name for scenario in line.scenarios] == scenarios
    assert len(went) == passes
    assert line.outcome == "passed"


def test_gradients_that_reach_fewer_parameters_are_found_on_a_model_that_is_not_quick(attempt: Attempt) -> None:
    def cut(module: nn.Module) -> None:
        module.get_submodule("head").register_forward_pre_hook(lambda _, inputs: tuple(x.detach() for x in inputs))

    assert attempt(Faulty(CLASSIFIER, to_model=cut), CONVNEXT, quick=False).outcome == "gradients"


def test_a_native_model_that_cached_a_graph_in_another_case_can_be_copied(attempt: Attempt) -> None:
    """EfficientFormer keeps attention biases in evaluation mode; where gradients were on, with what they came from."""
    attempt(CLASSIFIER, "efficientformer_l1")
    line = attempt(ROUTES["resume"], "efficientformer_l1")
    assert line.outcome == "passed", line.reason


def test_a_second_attempt_builds_no_native_model_again_and_runs_no_model_that_is_not_as_saved(
    attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    ran: list[str] = []
    create = ReferenceModel.create

    def counted(self: ReferenceModel, *args: Any, **kwargs: Any) -> Any:
        made.append("native")
        return create(self, *args, **kwargs)

    monkeypatch.setattr(ReferenceModel, "create", counted)

    def look(outputs: Outputs) -> Outputs:
        ran.append("loaded")
        return outputs

    record = attempt(Faulty(ROUTES["backbone"], to_model=faulty.constant, to_outputs=look), CONVNEXT)
    scenarios = 5  # as saved, at its default level and its first, with other channels, with another stride
    assert record.outcome == "tensors"
    assert len(ran) == 2 * scenarios  # each model twice, on the first try
    assert len(made) <= scenarios  # the first may be there already, from another test


def fails_later(line: str, error: BaseException) -> Callable[[CaseContext], Scenario]:
    """A route that first differs, or raises a fault, and then meets the machine's trouble."""
    attempts = itertools.count()

    def scenario(context: CaseContext) -> Scenario:
        if next(attempts):
            raise error
        if line == "error":
            raise TypeError("no such argument")
        yield from misnamed(context)

    return scenario


NO_SPACE = OSError(28, "No space left on device")


@pytest.mark.parametrize(("first", "outcome"), [("keys", "keys"), ("error", "not-run")])
def test_what_was_compared_stands_if_the_machine_fails_in_the_second_attempt(
    attempt: Attempt, first: str, outcome: str
) -> None:
    record = attempt(Scenarios({"": fails_later(first, NO_SPACE)}), CONVNEXT)
    assert record.outcome == outcome
    assert "nondeterministic" not in record.detail


def test_a_case_that_opens_files_in_each_attempt_until_there_are_no_more_is_an_error(attempt: Attempt) -> None:
    opened: list[int] = []

    def leaking(context: CaseContext) -> Scenario:
        yield from just("wrapper")(context)
        while len(opened) < 10**5:
            opened.append(os.open(os.devnull, os.O_RDONLY))

    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, limits[1]))
    try:
        record = attempt(Scenarios({"": leaking}), CONVNEXT)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        for file in opened:
            os.close(file)
    assert (record.outcome, record.detail["error"]["type"]) == ("error", "OSError")
