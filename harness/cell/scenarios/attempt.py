"""One attempt at a case: runs its scenarios and compares what they yield."""

import time
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...contract.case import Outcome
from ...contract.finding import Finding
from ...contract.plan import Tolerance
from ..compare import divergence, reasons
from ..compare.comparison import compare_names, compare_outputs
from ..compare.configuration import compare_fields
from ..compare.diagnosis import equal
from ..compare.findings import Findings, OtherDifference
from ..compare.name_causes import cause_of
from ..compare.reports import compare_report
from ..guards import machine, offline, process
from ..guards.leaks import Leak, Leaks
from ..guards.library_warnings import tidy
from ..models.native import refuse_nonfinite
from .context import CaseContext
from .gradients import differing_gradients, second_call
from .handover import NotHandedOver
from .protocol import (
    Back,
    Computed,
    Damaged,
    Described,
    Fresh,
    Loaded,
    Recorded,
    Refused,
    Reported,
    Scenario,
    Step,
    Written,
)
from .said import said
from .state import differing_flags, differing_names, differing_tensors, unfit
from .written_files import facts_of, written_wrongly, wrongly_indexed


@dataclass
class Attempt:
    """One attempt at a case, with its findings; `again` marks the second attempt."""

    context: CaseContext
    tolerance: Tolerance
    again: bool = False
    scenarios: dict[str, Findings] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    """Seconds of each scenario."""
    compared: int = 0  # models and outputs that scenarios yielded
    has_model_without_inputs: bool = False
    lacks_handover: bool = False
    """Whether the saving pair handed over no checkpoint for some scenario."""
    free_files: int = field(default_factory=process.free_files)
    """How many files could be opened when the case began."""
    ended: bool = False
    """Whether an exit, an interrupt or a panic ended it: what runs in this process after that is not to be trusted."""

    def run_scenario(self, name: str, scenario: Scenario) -> None:
        """Compare each step of a scenario. An exception is a finding, and keeps the findings of earlier steps."""
        leaks, started = Leaks(), time.perf_counter()
        phases: dict[Leak, str] = {}
        self.context.after_phase = lambda: self._note(leaks, phases)
        self.scenarios.setdefault(name, Findings())
        try:
            self._run_steps(name, scenario)
        finally:  # also where pytest-timeout interrupts it
            self._add(name, (_leaked(leak, phases.get(leak, self.context.phase)) for leak in leaks.undo()))
            self._add_refused_requests(name)
            self.seconds[name] = time.perf_counter() - started
            self.context.forget_models()  # the next scenario needs the room

    def _note(self, leaks: Leaks, phases: dict[Leak, str]) -> None:
        """Keep the phase after which each change of the process was first seen."""
        for leak in leaks.now():
            phases.setdefault(leak, self.context.phase)

    @property
    def findings(self) -> Findings:
        """The findings of all scenarios."""
        return Findings.together(self.scenarios.values())

    @property
    def failed(self) -> list[str]:
        """The names of the scenarios that are not green."""
        return [name for name, findings in self.scenarios.items() if findings.fails]

    def _add_refused_requests(self, scenario: str) -> None:
        """Record each refused network request as an error, even if a library swallowed the exception."""
        findings = self.scenarios[scenario]
        recorded = {error["message"] for error in findings.errors}
        findings.errors += [
            _in_scenario({"type": "Offline", "message": message, "frame": "", "phase": self.context.phase}, scenario)
            for message in offline.refused()
            if message not in recorded
        ]

    def _run_steps(self, name: str, scenario: Scenario) -> None:
        state_holds, compared_before = True, self.compared
        self.context.scenario, self.context.phase = name, "native"
        try:
            for step in scenario:
                state_holds = self._compare(name, step, state_holds=state_holds) and state_holds
        except NotHandedOver:
            self.lacks_handover = True
        except BaseException as error:  # noqa: BLE001  whatever a library raises is a finding, also an exit
            self.add_error(error, name)
        else:
            if self.compared == compared_before:
                nothing = RuntimeError("nothing was compared: the route loaded nothing, or ran nothing")
                self.scenarios[name].errors.append(describe_error(nothing, self.context, name))

    def add_error(self, error: BaseException, scenario: str) -> None:
        """Add an exception to the findings.

        Raises MachineTrouble for an exception that is no fault of the libraries, and pytest-timeout's own.
        """
        process.refuse_timeout(error)
        machine.refuse(error, self.context.folder.parent, self.free_files)
        if not isinstance(error, Exception):
            self.ended = True
            process.spoil(type(error).__name__)
        errors = self.scenarios.setdefault(scenario, Findings()).errors
        errors.append(describe_error(error, self.context, scenario))

    def _compare(self, name: str, step: Step, *, state_holds: bool) -> bool:
        """Whether the names or the state of a step agree with the expected ones."""
        match step:
            case Damaged(message):
                damage = {"type": reasons.DAMAGED, "message": message, "frame": "", "phase": self.context.phase}
                self.scenarios[name].errors.append(_in_scenario(damage, name))
            case Written():
                return self._compare_names(name, step)
            case Fresh(module, names):
                tensors = unfit(module, names)
                self.scenarios[name].tensors += [replace(difference, scenario=name) for difference in tensors]
            case Described() | Reported() | Refused() | Recorded():
                self.compared += 1
                self._add(name, said(step, self.context, self.tolerance))
            case Loaded():
                self.compared += 1
                self.has_model_without_inputs = self.has_model_without_inputs or not step.runs
                return self._compare_state(name, step)
            case Computed():
                self.compared += 1
                if not self.context.variant.runs:
                    self.has_model_without_inputs = True
                    return True
                # A second attempt need not measure again how far outputs of a broken state are off, and on CUDA such a
                # run can poison the context for every later case.
                if state_holds or (self.context.reference.placement.device == "cpu" and not self.again):
                    self._compare_outputs(name, step, state_holds=state_holds)
        return True

    def _compare_names(self, scenario: str, written: Written) -> bool:
        differences = compare_names(f"the file that {written.by} wrote", written.expected, written.names)
        differences += wrongly_indexed(written.folder, written.by)
        if self.context.reads_again:
            tensors = written_wrongly(written.folder, written.state, self.context.variant.stored_tensor)
            self.scenarios[scenario].tensors += [replace(difference, scenario=scenario) for difference in tensors]
            if written.by == "transformers":
                facts, must = facts_of(written.folder)
                self._add(scenario, compare_fields("the files that transformers wrote", must, facts))
        self.scenarios[scenario].names += [replace(difference, scenario=scenario) for difference in differences]
        return not differences

    def _compare_state(self, scenario: str, loaded: Loaded) -> bool:
        """Whether the names and the tensors of a loaded model agree with the expected ones."""
        with self.context.during("load", timed="compare"):
            findings = self.scenarios[scenario]
            names = differing_names(loaded, scales=loaded.scales and self.context.reference.entry.layer_scale)
            folder, module = self.context.loaded_folder, loaded.timm_module
            findings.names += [
                replace(difference, scenario=scenario, because=cause_of(difference, folder, module))
                for difference in names
            ]
            tensors = differing_tensors(loaded, self.context.reference)
            findings.tensors += [replace(difference, scenario=scenario) for difference in tensors]
            self._add(scenario, differing_flags(loaded, self.context.flags_of(loaded.model), names))
            self._add(scenario, compare_report(loaded.info, {"missing": loaded.absent}))
        if not names and not loaded.absent:  # what is missing is initialised, at a cost of its own
            self._add(scenario, self.context.excess_costs(loaded.model))
        return not names and not tensors

    def _add(self, scenario: str, found: Iterable[Finding]) -> None:
        self.scenarios[scenario].others += [OtherDifference(finding, scenario) for finding in found]

    def _compare_outputs(self, scenario: str, step: Computed, *, state_holds: bool) -> None:
        """Compare every expected output; an output that the loaded model lacks is a difference."""
        goes_back = state_holds and step.loaded is not None and step.back is not Back.NEVER and self.context.goes_back
        with self.context.during("run"), torch.no_grad():
            expected = step.expected()
            refuse_nonfinite(expected.first)
            outputs = step.outputs()
            again = second_call(step, outputs, goes_back=goes_back)
        with self.context.during("run", timed="compare"):
            comparisons = compare_outputs(expected.first, lambda: expected.second, outputs, self.tolerance)
            # An output that is the same in both calls is compared once.
            moved = {
                name: tensor for name, tensor in expected.first.items() if not _same(again.get(name), outputs.get(name))
            }
            again_moved = {name: again[name] for name in moved if name in again}
            second = compare_outputs(moved, lambda: expected.second, again_moved, self.tolerance)
            comparisons += [replace(output, name=f"{output.name}, second call") for output in second]
        findings = self.scenarios[scenario]
        findings.outputs += [replace(output, scenario=scenario, of_state=not state_holds) for output in comparisons]
        if state_holds and step.loaded and not all(output.holds for output in comparisons):
            native = step.loaded.native
            with self.context.during("run"), torch.no_grad():
                findings.diverges = findings.diverges or divergence.first_module(
                    native.module, native.run, step.loaded.timm_module, step.outputs, self.tolerance
                )
        elif goes_back and step.loaded:
            with self.context.during("backward"):
                self._add(scenario, differing_gradients(step, step.loaded, again, self.context, self.tolerance))


def _same(first: Tensor | None, second: Tensor | None) -> bool:
    if first is None or second is None:
        return first is second
    return first.shape == second.shape and first.dtype == second.dtype and equal(first, second)


def _leaked(leak: Leak, phase: str) -> Finding:
    """The finding on a change of the process that a scenario left behind, which would break later cases."""
    return Finding(Outcome.LEAKED, f"left changed in phase {phase}", leak.what, leak.how)


def describe_error(error: BaseException, context: CaseContext, scenario: str) -> Mapping[str, Any]:
    """What a record has of an exception. Its message is without the temporary folder, another in another attempt."""
    frames = traceback.extract_tb(error.__traceback__)
    frame = f"{Path(frames[-1].filename).name}:{frames[-1].lineno} in {frames[-1].name}" if frames else ""
    message = tidy(str(error), str(context.folder.parent))
    described = {"type": type(error).__name__, "message": message, "frame": frame, "phase": context.phase}
    return _in_scenario(described, scenario)


def _in_scenario(error: Mapping[str, Any], scenario: str) -> Mapping[str, Any]:
    return {**error, "scenario": scenario} if scenario else error
