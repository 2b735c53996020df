"""Records of cases that did not run: a device or memory is missing, the environment failed, or pytest ended early.

Without them a missing record, or an older one, could be taken for a result.
"""

import contextlib
import platform
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..config.errors import CannotRecord
from ..contract.case import Outcome
from ..contract.plan import Plan
from ..contract.record import CaseLine, Log, now


def note_not_run(path: Path, plan: Plan, reasons: Mapping[str, str], outcome: Outcome = Outcome.NOT_RUN) -> None:
    """Write one record per planned case: not-run, with its reason by case id, or another outcome.

    Raises CannotRecord.
    """
    with _log(path) as log:
        _begin(log, plan)
        for case in plan.cases:
            log.case(case, CaseLine(outcome, reasons[case.id], {"silent": False}))
        log.end({str(outcome): len(plan.cases)}, ended=now())


def note_failure(path: Path, plan: Plan, what: str, why: str) -> None:
    """Write a run without cases, whose end names the failed step (`what`) and the reason (`why`).

    Raises CannotRecord.
    """
    with _log(path) as log:
        _begin(log, plan)
        log.end({}, ended=now(), failed=what, reason=why)


@contextlib.contextmanager
def _log(path: Path) -> Iterator[Log]:
    try:
        with Log(path) as log:
            yield log
    except OSError as error:
        raise CannotRecord.of(path, error) from error


def _begin(log: Log, plan: Plan) -> None:
    log.begin(plan, started=now(), packages={}, platform=platform.platform(), device=None)
