"""The lines of cases that did not run: a device or room is missing, the environment failed, or pytest ended early.

Such a lane has a file too, so that nobody takes silence, or an older record, for a result.
"""

import platform
from collections.abc import Mapping
from pathlib import Path

from ..contract.case import Outcome
from ..contract.plan import Plan
from ..contract.record import CaseLine, Log, now


def note_not_run(path: Path, plan: Plan, reasons: Mapping[str, str], outcome: Outcome = Outcome.NOT_RUN) -> None:
    """Write one record per planned case, with its reason by case id: not-run, or the outcome that a bench makes up."""
    with Log(path) as log:
        _begin(log, plan)
        for case in plan.cases:
            log.case(case, CaseLine(outcome, reasons[case.id], {"silent": False}))
        log.end({str(outcome): len(plan.cases)}, ended=now())


def note_failure(path: Path, plan: Plan, what: str, why: str) -> None:
    """Write a run of the plan without a case, whose end says what failed."""
    with Log(path) as log:
        _begin(log, plan)
        log.end({}, ended=now(), failed=what, reason=why)


def _begin(log: Log, plan: Plan) -> None:
    log.begin(plan, started=now(), packages={}, platform=platform.platform(), device=None)
