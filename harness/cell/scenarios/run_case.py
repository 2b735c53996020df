"""Runs one case and returns its case line."""

import gc
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import torch

from ...contract.case import GREEN, SKIPPED, Outcome
from ...contract.plan import Tolerance
from ...contract.record import CaseLine
from ...contract.routes import ROUTES
from ..compare import reasons
from ..compare.comparison import fingerprint
from ..guards import memory
from ..guards.library_warnings import tidy
from ..guards.machine import MachineTrouble
from ..models.installed import Release
from ..models.reference import ReferenceModel
from ..models.variants import Variant
from .attempt import Attempt, describe_error
from .context import CaseContext
from .handover import NOTHING, Handover
from .protocol import Route, Scenario

NOTHING_KEPT: Final = "the pair that saves has kept no checkpoint for this"


def run(  # noqa: PLR0913, PLR0917  the parts of a case
    route: Route,
    variant: Variant,
    reference: ReferenceModel,
    release: Release,
    tolerance: Tolerance,
    scratch: Path,
    handover: Handover = NOTHING,
) -> CaseLine:
    """Run one case, and a broken one twice. An exception is a finding; trouble of the machine is not-run."""
    started = time.perf_counter()
    reason = route.unsupported(release, reference.entry) or variant.unsupported(release, reference.entry)
    if reason is not None:
        return case_line(Outcome.UNSUPPORTED, reason, seconds=time.perf_counter() - started)
    memory.restart_peak()
    shards = route.name in ROUTES and ROUTES[route.name].shards
    attempt = Attempt(
        CaseContext(reference, variant, release, scratch / route.name, handover=handover, in_shards=shards), tolerance
    )
    try:
        line = _twice(route, attempt)
    except MachineTrouble as trouble:
        line = CaseLine(Outcome.NOT_RUN, str(trouble), {"silent": False})
    return measured(line, time.perf_counter() - started)


def _twice(route: Route, attempt: Attempt) -> CaseLine:
    """Try a case, and once more if it is broken.

    Trouble of the machine in the second attempt leaves what the first one compared; an error may be its first sign.
    """
    line = _try(route, attempt)
    if line.outcome not in GREEN | SKIPPED and not attempt.ended:
        shutil.rmtree(attempt.context.folder, ignore_errors=True)  # two full-size checkpoints may fill the disk
        gc.collect()  # a file is freed with the model that is mapped from it
        first = attempt.context
        context = CaseContext(
            *(first.reference, first.variant, first.release, first.folder / "again"),
            *(first.natives, first.handover, first.in_shards),
        )
        second = Attempt(context, attempt.tolerance, again=True, free_files=attempt.free_files)
        try:
            second_line = _try(route, second, only=attempt.failed)
        except MachineTrouble:
            if line.outcome == Outcome.ERROR:
                raise
            return line
        if _repeatable(second_line) != _repeatable(line):
            other = {"outcome": str(second_line.outcome), "reason": second_line.reason}
            line = replace(line, detail={**line.detail, "nondeterministic": other})
    return line


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
    findings, context = attempt.findings, attempt.context
    with torch.no_grad():
        for name, scenario in _scenarios(route, attempt).items():
            if (not only or name in only) and not attempt.ended:
                attempt.run_scenario(name, scenario)
    if attempt.lacks_handover and not attempt.compared and not findings.differ and not findings.errors:
        # Only cases that the saving pair has saved before are carried: if it keeps none, it was disturbed.
        outcome = Outcome.UNSUPPORTED if context.handover.has_any else Outcome.NOT_RUN
        return CaseLine(outcome, NOTHING_KEPT, {"silent": False})
    if not findings.differ and not findings.outputs and not findings.errors and not attempt.has_model_without_inputs:
        findings.errors.append(
            describe_error(RuntimeError("nothing was compared: the route ran nothing"), context.phase, "")
        )
    warnings = [tidy(text, str(context.folder.parent)) for text in context.captured_warnings]
    figures: Mapping[str, Any] = findings.figures
    return CaseLine(
        outcome=findings.outcome,
        reason=reasons.one_line(findings),
        detail=reasons.detail(findings, warnings, context.seconds),
        fingerprint=fingerprint(context.native_outputs) if context.native_outputs else None,
        **figures,
    )


def _scenarios(route: Route, attempt: Attempt) -> Mapping[str, Scenario]:
    try:
        return route.scenarios(attempt.context)
    except BaseException as error:  # noqa: BLE001  a route asks the libraries which scenarios exist
        attempt.add_error(error, "")
        return {}


def _repeatable(line: CaseLine) -> tuple[Outcome, str | None]:
    """The outcome and the cause, which must not change in a second attempt; figures may."""
    return line.outcome, line.detail.get("cause")
