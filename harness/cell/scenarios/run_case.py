"""Runs one case from end to end and says what happened, as a case line."""

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
from ..models.installed import Release
from ..models.reference import ReferenceModel
from ..models.variants import Variant
from .attempt import Attempt, described
from .context import CaseContext
from .handover import NOTHING, Handover
from .protocol import Route, Scenario

NOTHING_KEPT: Final = "the pair that saves has kept no checkpoint for this"


def run(  # noqa: PLR0913, PLR0917  what a case is made of
    route: Route,
    variant: Variant,
    reference: ReferenceModel,
    release: Release,
    tolerance: Tolerance,
    scratch: Path,
    handover: Handover = NOTHING,
) -> CaseLine:
    """Run one case. Never raises: an exception is a finding."""
    started = time.perf_counter()
    why = route.unsupported(release, reference.entry) or variant.unsupported(release, reference.entry)
    if why is not None:
        return case_line(Outcome.UNSUPPORTED, why, seconds=time.perf_counter() - started)
    memory.restart_peak()
    shards = route.name in ROUTES and ROUTES[route.name].shards
    attempt = Attempt(
        CaseContext(reference, variant, release, scratch / route.name, handover=handover, in_shards=shards), tolerance
    )
    line = _try(route, attempt)
    if line.outcome not in GREEN | SKIPPED:
        shutil.rmtree(
            attempt.context.folder, ignore_errors=True
        )  # twice a full-size checkpoint may be more than the disk
        gc.collect()  # and a file goes with the model that is mapped from it
        context = CaseContext(
            reference, variant, release, scratch / route.name / "again", attempt.context.natives, handover, shards
        )
        second = Attempt(context, tolerance, again=True)
        again = _try(route, second, only=attempt.failed)
        if _must_repeat(again) != _must_repeat(line):
            other = {"outcome": str(again.outcome), "reason": again.reason}
            line = replace(line, detail={**line.detail, "nondeterministic": other})
    return measured(line, time.perf_counter() - started)


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
    """The line with the time that its case took, and the memory of the process and of its GPU."""
    on_gpu = memory.gpu_peak_mb()
    gpu = {} if on_gpu is None else {"peak_gpu_mb": on_gpu}
    return replace(line, detail={**line.detail, **gpu}, seconds=round(seconds, 3), peak_rss_mb=memory.peak_mb())


def _try(route: Route, attempt: Attempt, only: Sequence[str] | None = None) -> CaseLine:
    """Go every way of the road once; a second time only those that failed."""
    findings, context = attempt.findings, attempt.context
    with torch.no_grad():
        for name, scenario in _legs(route, attempt).items():
            if not only or name in only:
                attempt.take(name, scenario)
    if attempt.uncarried and not attempt.met and not findings.differ and not findings.errors:
        return CaseLine(Outcome.UNSUPPORTED, NOTHING_KEPT, {"silent": False})
    if not findings.differ and not findings.outputs and not findings.errors and not attempt.unrun:
        findings.errors.append(
            described(RuntimeError("nothing was compared: the route ran nothing"), context.phase, "")
        )
    said = [tidy(text, str(context.folder.parent)) for text in context.said]
    figures: Mapping[str, Any] = findings.figures
    return CaseLine(
        outcome=findings.outcome,
        reason=reasons.one_line(findings),
        detail=reasons.detail(findings, said, context.seconds),
        fingerprint=fingerprint(context.native_outputs) if context.native_outputs else None,
        **figures,
    )


def _legs(route: Route, attempt: Attempt) -> Mapping[str, Scenario]:
    try:
        return route.scenarios(attempt.context)
    except Exception as error:  # noqa: BLE001  a route asks the libraries what there is
        attempt.findings.errors.append(described(error, attempt.context.phase, ""))
        return {}


def _must_repeat(line: CaseLine) -> tuple[Outcome, str | None]:
    """What a second try must come to again; figures may move."""
    return line.outcome, line.detail.get("cause")
