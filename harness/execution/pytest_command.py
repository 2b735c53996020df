"""How a pair's Python runs the cases of a plan with pytest."""

import os
from pathlib import Path
from typing import Final

from ..config.lane import Lane
from ..contract import package
from ..contract.package import FOLDER, ROOT
from ..contract.plan import Plan
from ..planning import device
from ..results.pair_records import PairRecords

TEST: Final = (
    (str(ROOT / "tests" / "matrix"), "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT))
    if package.IN_CHECKOUT
    else (str(FOLDER / "execution" / "parity.py"), "-c", os.devnull, "--rootdir", str(FOLDER), "--noconftest")
)
"""The test of a case and where its settings are: in a checkout with what wrecks cases for tests of ours."""


def words(records: PairRecords, lane: Lane, plan: Plan, path: Path, scratch: Path) -> list[str]:
    """The arguments for the pair's Python: the plan is in the file `path`, and checkpoints are made in `scratch`."""
    workers = device.workers(plan.gpus, records.options.workers)
    plugin = package.module("cell.runtime.plugin")
    return [
        *("-m", "pytest", *TEST, "--import-mode=importlib", "-p", plugin, "-p", "no:cacheprovider"),
        *("-qq", "--no-header", "--tb=no", "-r", "N"),
        *("--no-summary", "-W", "ignore", f"--timeout={records.matrix.limits.seconds}", "--timeout-method=signal"),
        *("--plan", str(path), "--records", str(records.path(lane).resolve())),
        *("--scratch", str(scratch), "--parent", str(os.getpid())),
        *("-n", str(workers), "--dist", "loadscope", "--no-loadscope-reorder"),
        # By default pytest-xdist gives up after four deaths per worker. Here a death costs the case that caused it,
        # which is tried twice; a worker may be replaced after each case, and die once more before its first.
        *("--max-worker-restart", str(3 * len(plan.cases) + workers)),
    ]
