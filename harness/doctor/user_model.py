"""A model of somebody's own, or a checkpoint on their disk: whether it survives the pair that is installed here."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ..cell.guards import offline
from ..cell.models.installed import Release
from ..cell.user_models.checkpoint_folder import CheckpointFolder
from ..cell.user_models.request import Request, UserCases
from ..cell.user_models.save_and_reload import UserModel
from .console_report import CaseResult, quiet, report, tolerance


def examine(asked: Request, out: IO[str]) -> int:
    """Print what is found; 1 where anything is broken, else 0. Raises Unusable for what cannot be tried."""
    offline.enforce()
    with quiet():
        owned = asked.resolve()
    if isinstance(owned.reference, UserModel) and owned.reference.target.unrun:
        out.write(f"Its outputs are not compared: {owned.reference.target.unrun}, with --class\n")
    return report(tried(owned), out, also_known=False)


def tried(owned: UserCases) -> Iterator[CaseResult]:
    """By every road, in every format. Each case's checkpoints go with it: somebody's own model may be large."""
    allowed = tolerance(owned.reference.placement.dtype)
    with quiet(), tempfile.TemporaryDirectory() as folder:
        for case in owned.cases:
            line = owned.run(case, Release.installed(), allowed, Path(folder))
            shutil.rmtree(Path(folder) / case.route, ignore_errors=True)
            yield CaseResult(case, owned.reference.entry, line, folder=_is_as_for_the_hub(owned))


def _is_as_for_the_hub(owned: UserCases) -> bool:
    return isinstance(owned.reference, CheckpointFolder) and owned.reference.checkpoint.is_as_for_the_hub
