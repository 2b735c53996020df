"""Tests whether a user's model or checkpoint survives saving and loading with the installed pair."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..cell.guards import offline
from ..cell.models.installed import Release
from ..cell.user_models.request import Request, UserCases
from ..cell.user_models.save_and_reload import UserModel
from .case_result import LANE, CaseResult
from .console_report import print_report, quiet
from .messages import UNWATCHED, Console
from .shipped_matrix import costs, planned, rules, tolerance


def examine(request: Request, console: Console) -> int:
    """Run the cases of a request and print the report; 1 if any is broken or none passed, else 0. Raises Unusable."""
    offline.enforce()
    console.reading(f"while {request.target} was read")
    with quiet():
        user_cases = request.resolve()
    reference = user_cases.reference
    if isinstance(reference, UserModel) and reference.target.unrun:
        console.out.write(f"Outputs are not compared: {reference.target.unrun}, with --class\n")
        console.report({"not_compared": reference.target.unrun})
    return print_report(results(user_cases, console), console)


def results(user_cases: UserCases, console: Console = UNWATCHED) -> Iterator[CaseResult]:
    """Run each case. Its checkpoints are deleted after it, for a user model may be large."""
    allowed, release = tolerance(user_cases.reference.placement.dtype), Release.installed()
    known = planned(rules(), release)
    with quiet(), tempfile.TemporaryDirectory(dir=console.folder) as folder:
        for case in user_cases.cases:
            console.testing(f"while {case.id} ran")
            line = user_cases.run(case, release, allowed, Path(folder), lane=LANE, rules=known, costs=costs())
            shutil.rmtree(Path(folder) / case.route, ignore_errors=True)
            yield CaseResult(case, user_cases.reference.entry, line, folder=user_cases.is_as_for_the_hub)
