"""The pytest plugin that runs a plan inside a pair's environment and appends a record for each case.

    python -m pytest tests/matrix -p harness.cell.runtime.plugin --plan FILE --records FILE --scratch DIR --parent PID

With pytest-xdist the workers run cases and the controller writes records. So a file has one writer, and the death of a
worker loses no other case's record.
"""

import json
import os
import signal
from collections.abc import Generator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from ...contract import processes
from ...contract.case import HUB, Case, Size
from ...contract.plan import Plan
from ...contract.record import CaseLine
from ..guards import offline, process
from . import heartbeat
from .confinement import Confinement
from .memory_budget import MemoryBudget
from .recorder import RECORD, Recorder, case_id_of
from .watchdog import Watchdog

RECORDER: Final = "layerscale-recorder"
PARENT: Final = "layerscale_parent"
BYTES_A_PARAMETER: Final = 4
OF_ONE_RUN: Final = frozenset({"phases", "peak_gpu_mb"})
"""Keys in the detail of a case line that describe one run only."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the plugin's options."""
    group = parser.getgroup("layerscale-matrix")
    group.addoption("--plan", type=Path, help="the JSON plan of one pair's lane")
    group.addoption("--records", type=Path, help="the JSON lines file to append to")
    group.addoption("--scratch", type=Path, help="the folder of checkpoints while their case runs")
    group.addoption("--parent", type=int, help="the process that starts this one; when it dies, this one is killed")


def pytest_configure(config: pytest.Config) -> None:
    """Read the plan and register the plugins; only the controller gets a recorder."""
    plan = Plan.loads(config.getoption("--plan").read_text())
    # nox starts pytest, which starts the workers. An orphan would go on recording beside the next run.
    processes.die_with(_workerinput(config).get(PARENT) or config.getoption("--parent"))
    processes.adopt_orphans()  # what a case starts ends with it, whatever became of its parent
    if _workerinput(config):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the controller, which ends the workers
    if plan.weights != HUB:
        offline.enforce()
    scratch = config.getoption("--scratch")
    config.pluginmanager.register(Cases(plan, scratch), "layerscale-cases")
    if not _workerinput(config):
        watchdog = Watchdog(scratch, plan.limits)
        config.pluginmanager.register(Recorder(plan, config.getoption("--records"), watchdog), RECORDER)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker its parent process."""
    node.workerinput[PARENT] = os.getpid()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Schedule cases so that the death of a worker loses no other case."""
    from .scheduler import ModelScheduling  # noqa: PLC0415  the tests' environment lacks pytest-xdist

    recorder: Any = config.pluginmanager.get_plugin(RECORDER)
    same_as = recorder.plan.same_as

    def model_of(nodeid: str) -> str:
        case_id = case_id_of(nodeid)
        return Case.parse(same_as.get(case_id, case_id)).model

    return ModelScheduling(config, log, died_at=recorder.died_at, retry=recorder.retry, model_of=model_of)


class Cases:
    """Runs the planned cases. Those of a model run in one process, one after another, and share its native models."""

    def __init__(self, plan: Plan, scratch: Path) -> None:
        self.plan = plan
        self.scratch = scratch
        self.runner: Any = None
        self.import_error: BaseException | None = None
        self.confinement: Confinement | None = None
        self.recorded: dict[str, CaseLine] = {}  # lines of this process that may stand for other cases
        self.budget: MemoryBudget | None = None

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Parametrize the test with the planned cases."""
        if "case" in metafunc.fixturenames:
            metafunc.parametrize(
                "case",
                [
                    pytest.param(case, id=case.id, marks=pytest.mark.timeout(self.plan.limits.time_limit(case)[1]))
                    for case in self.plan.cases
                ],
            )

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Generator[None, object, object]:
        """Acquire the memory budget before the first case of a full-size model, and release it after the last.

        The wait is not part of the case's time. A worker knows the next case before it runs one.
        """
        if process.spoiled() and _workerinput(item.config):
            self.pytest_unconfigure()
            os._exit(0)  # between two cases: another worker goes on
        case, following = _planned(item), nextitem and _planned(nextitem)
        needed = self.plan.needs.get(case.model) if case and case.size == Size.FULL else None
        if needed and self.budget is None:
            self.budget = MemoryBudget(self.scratch, _workerid(item.config), self.plan.room)
            self.budget.acquire(needed)
        result = yield
        if self.budget and case and not (following and (case.model, case.size) == (following.model, following.size)):
            if self.runner is not None:
                self.runner.close()
            self.budget.release()
            self.budget = None
        return result

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Import the libraries before the first case is timed. An exception is raised again in each case."""
        if _workerinput(session.config):
            try:
                self._import(session.config)
            except BaseException as error:  # noqa: BLE001  a library may exit
                self.import_error = error

    def _import(self, config: pytest.Config) -> None:
        if isinstance(self.import_error, Exception):
            raise self.import_error
        if self.import_error is not None:
            raise ImportError(f"{self.import_error!r} while the libraries were imported") from self.import_error
        if self.runner is None:
            if gpus := self.plan.gpus:  # each worker has its context on one GPU
                os.environ["CUDA_VISIBLE_DEVICES"] = gpus[_number(config) % len(gpus)]
            # Imported here: the controller of a run needs neither torch nor the two libraries.
            from .runner import Runner  # noqa: PLC0415

            folder = heartbeat.checkpoints(self.scratch, os.getpid())
            self.runner = Runner(self.plan, folder, workers=_workerinput(config).get("workercount", 1))

    @pytest.fixture
    def record(self, case: Case, request: pytest.FixtureRequest) -> CaseLine:
        """The line of the case; pytest's report carries it to the controller."""
        other = self.plan.same_as.get(case.id)
        record = standing_for(self.recorded.get(other), Case.parse(other)) if other else None
        if record is None:
            self.confinement = self.confinement or Confinement(self.scratch, _workerid(request.config))
            record = self.confinement.run(case, lambda: self._run(case, request.config), self._needed(case))
            if case.id in self.plan.same_as.values():
                self.recorded[case.id] = record
        request.node.user_properties.append((RECORD, record.fields))
        return record

    def _run(self, case: Case, config: pytest.Config) -> CaseLine:
        self._import(config)
        line: CaseLine = self.runner.run(case)
        return line

    def _needed(self, case: Case) -> int:
        """The bytes that the checkpoints of a case take at least: one of timm's, and one that transformers wrote."""
        params = [entry.params_at(case.size) for entry in self.plan.entries if entry.model == case.model]
        return 2 * BYTES_A_PARAMETER * sum(params)

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str]:
        """Print no letter for a case: the recorder shows progress."""
        return (report.outcome if report.when == "call" or not report.passed else "", "", "")

    def pytest_unconfigure(self) -> None:
        """Delete all checkpoints."""
        if self.runner is not None:
            self.runner.close()


def standing_for(record: CaseLine | None, other: Case) -> CaseLine | None:
    """The line of the other case, for a case whose model is the same; None if the case must run itself.

    It must if the other has no line (its process died, or it was interrupted), if its second attempt differed, or if
    its line names the model.
    """
    if record is None or "nondeterministic" in record.detail or other.model in json.dumps(record.fields, default=str):
        return None
    detail = {name: value for name, value in record.detail.items() if name not in OF_ONE_RUN}
    return replace(record, detail=detail, same_as=other.id, seconds=None, peak_rss_mb=None)


def _workerinput(config: pytest.Config) -> Mapping[str, Any]:
    """The input of a pytest-xdist worker; empty in the controller."""
    workerinput: Mapping[str, Any] = getattr(config, "workerinput", {})
    return workerinput


def _workerid(config: pytest.Config) -> str:
    name: str = _workerinput(config).get("workerid", "main")
    return name


def _number(config: pytest.Config) -> int:
    """The worker's number, from 0 on; a worker that replaces a dead one gets a new number."""
    digits = _workerid(config).removeprefix("gw")
    return int(digits) if digits.isdecimal() else 0


def _planned(item: pytest.Item) -> Case | None:
    """The case of a test; None for other tests."""
    call = getattr(item, "callspec", None)
    case: Case | None = call.params.get("case") if call else None
    return case
