"""Runs one case and returns its case line."""

import gc
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from ...contract.case import Outcome, Size
from ...contract.finding import Finding, ScenarioLine, Tried
from ...contract.plan import Costs, Rule, Tolerance
from ...contract.record import CaseLine
from ...contract.routes import ROUTES
from ...remedies.table import Remedy
from ..compare import reasons
from ..compare.comparison import fingerprint
from ..compare.typed import typed
from ..guards import memory
from ..guards.library_warnings import tidy
from ..guards.machine import MachineTrouble
from ..models.installed import Release
from ..models.reference import ReferenceModel
from ..models.variants import Variant
from .attempt import Attempt
from .context import CaseContext
from .handover import NOTHING, Handover
from .protocol import Route, Scenario
from .remedied import explained, with_remedies

NOTHING_KEPT: Final = "the pair that saves has kept no checkpoint for this"


def run(  # noqa: PLR0913, PLR0917  the parts of a case
    route: Route,
    variant: Variant,
    reference: ReferenceModel,
    release: Release,
    tolerance: Tolerance,
    scratch: Path,
    handover: Handover = NOTHING,
    rules: Sequence[Rule] = (),
    costs: Costs | None = None,
    *,
    quick: bool = True,
) -> CaseLine:
    """Run one case; what is broken and explained by `rules` again with their remedies, and what is not, twice.

    Optional scenarios of the route run if the model is `quick`.
    An exception is a finding; trouble of the machine is not-run.
    """
    started = time.perf_counter()
    reason = route.unsupported(release, reference.entry) or variant.unsupported(release, reference.entry)
    if reason is not None:
        return case_line(Outcome.UNSUPPORTED, reason, seconds=time.perf_counter() - started)
    memory.restart_peak()
    reference = variant.stored(reference, release)
    shards = route.name in ROUTES and ROUTES[route.name].shards
    folder = scratch / route.name
    context = CaseContext(
        reference, variant, release, folder, handover=handover, in_shards=shards, costs=costs, quick=quick
    )
    first = Attempt(context, tolerance)
    try:
        line = _again(route, first, _try(route, first), rules)
    except MachineTrouble as trouble:
        line = CaseLine(Outcome.NOT_RUN, str(trouble), {"silent": False})
    return measured(line, time.perf_counter() - started)


def _again(route: Route, first: Attempt, line: CaseLine, rules: Sequence[Rule]) -> CaseLine:
    """Run the broken scenarios of a case again: with remedies, or as they are if a finding is unexplained.

    Trouble of the machine then leaves what the first attempt compared; an error may be its first sign.
    """
    broken = [scenario for scenario in line.scenarios if scenario.findings]
    if not broken or first.ended:
        return line
    try:
        known = [scenario for scenario in broken if explained(rules, scenario.name, scenario.findings)]
        remedied = {scenario.name: _remedied(route, first, scenario, rules) for scenario in known}
        scenarios = [replace(scenario, remedied=remedied.get(scenario.name, {})) for scenario in line.scenarios]
        line = replace(line, scenarios=tuple(scenarios))
        twice = [scenario.name for scenario in broken if not remedied.get(scenario.name)]
        return _twice(route, first, line, twice) if twice else line
    except MachineTrouble:
        if line.outcome == Outcome.ERROR:
            raise
        return line


def _twice(route: Route, first: Attempt, line: CaseLine, only: Sequence[str]) -> CaseLine:
    """Try these scenarios once more, and record if they come to something else."""
    second = _another(first, "again")
    again = _try(route, second, only)
    before = [_repeatable(scenario) for scenario in line.scenarios if scenario.name in only]
    if [_repeatable(scenario) for scenario in again.scenarios] != before:
        other = {"outcome": str(again.outcome), "reason": again.reason}
        line = replace(line, detail={**line.detail, "nondeterministic": other})
    return line


def _remedied(route: Route, first: Attempt, scenario: ScenarioLine, rules: Sequence[Rule]) -> dict[str, Tried]:
    def run_with(remedies: Sequence[Remedy]) -> tuple[Finding, ...]:
        attempt = _another(first, "remedied", remedies)
        _try(route, attempt, [scenario.name])
        return typed(attempt.findings)

    return with_remedies(rules, scenario.name, scenario.findings, run_with)


def _another(first: Attempt, folder: str, remedies: Sequence[Remedy] = ()) -> Attempt:
    """Another attempt at the same case, in a folder of its own."""
    before = first.context
    shutil.rmtree(before.folder, ignore_errors=True)  # two full-size checkpoints may fill the disk
    if before.reference.size == Size.FULL:
        gc.collect()  # a file is freed with the model that is mapped from it
    # Another pair takes no checkpoint that was mended.
    handover = Handover(takes=before.handover.takes) if remedies else before.handover
    context = CaseContext(
        *(before.reference, before.variant, before.release, before.folder / folder),
        *(before.natives, handover, before.in_shards, remedies),
        costs=None if remedies else before.costs,  # a remedy may read a checkpoint once more
        went_back=before.went_back,
        quick=before.quick,
    )
    return Attempt(context, first.tolerance, again=not remedies, free_files=first.free_files)


def case_line(
    outcome: Outcome,
    reason: str,
    *,
    seconds: float = 0.0,
    detail: Mapping[str, Any] = MappingProxyType({"silent": False}),
) -> CaseLine:
    """The line of a case that compared nothing."""
    return measured(CaseLine(outcome, reason, detail), seconds)


def measured(line: CaseLine, seconds: float) -> CaseLine:
    """The line with its case's time, and the peak memory of the process and of its GPU."""
    gpu_peak = memory.gpu_peak_mb()
    gpu = {} if gpu_peak is None else {"peak_gpu_mb": gpu_peak}
    return replace(line, detail={**line.detail, **gpu}, seconds=round(seconds, 3), peak_rss_mb=memory.peak_mb())


def _try(route: Route, attempt: Attempt, only: Sequence[str] | None = None) -> CaseLine:
    """Run all scenarios of the route, or those named in `only`."""
    context = attempt.context
    for name, scenario in _scenarios(route, attempt).items():
        if (only is None or name in only) and not attempt.ended:
            attempt.run_scenario(name, scenario)
    findings = attempt.findings
    if attempt.lacks_handover and not attempt.compared and not findings.fails:
        # Only cases that the saving pair has saved before are carried: if it keeps none, it was disturbed.
        outcome = Outcome.UNSUPPORTED if context.handover.has_any else Outcome.NOT_RUN
        return CaseLine(outcome, NOTHING_KEPT, {"silent": False})
    if only is None and not findings.fails and not findings.outputs and not attempt.has_model_without_inputs:
        attempt.add_error(RuntimeError("nothing was compared: the route ran nothing"), "")
        findings = attempt.findings
    # What is said of a checkpoint in one scenario warns nobody of what differs in another.
    warned = attempt.failed or list(context.warnings)
    warnings = [tidy(text, str(context.folder.parent)) for name in warned for text in context.warnings.get(name, ())]
    figures: Mapping[str, Any] = findings.figures
    return CaseLine(
        outcome=findings.outcome,
        reason=reasons.one_line(findings),
        detail=reasons.detail(findings, warnings, context.seconds),
        fingerprint=next((fingerprint(outputs) for outputs in context.native_outputs.values()), None),
        scenarios=tuple(_scenario_line(name, attempt) for name in attempt.scenarios),
        **figures,
    )


def _scenario_line(name: str, attempt: Attempt) -> ScenarioLine:
    findings, seconds = attempt.scenarios[name], attempt.seconds.get(name)
    outputs = attempt.context.native_outputs.get(name)
    return ScenarioLine(
        name,
        findings.outcome,
        typed(findings),
        None if seconds is None else round(seconds, 4),
        fingerprint(outputs) if outputs else None,
    )


def _scenarios(route: Route, attempt: Attempt) -> Mapping[str, Scenario]:
    try:
        return route.scenarios(attempt.context)
    except BaseException as error:  # noqa: BLE001  a route asks the libraries which scenarios exist
        attempt.add_error(error, "")
        return {}


def _repeatable(scenario: ScenarioLine) -> tuple[Outcome, frozenset[tuple[str, ...]]]:
    """The outcome and the findings without their figures, which must not change in a second attempt.

    Outputs of a broken state are not computed again.
    """
    findings = {
        finding.key
        for finding in scenario.findings
        if finding.kind not in {Outcome.OUTPUTS, Outcome.NONFINITE} or scenario.outcome == finding.kind
    }
    return scenario.outcome, frozenset(findings)
