"""Writes a lane's records from the workers' reports. It runs in the controller, which needs no torch."""

import contextlib
import platform
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from ...contract import processes
from ...contract.case import GREEN, SKIPPED, Case, Outcome, Size
from ...contract.plan import Plan
from ...contract.record import CaseLine, Log, now
from ..guards import machine
from . import heartbeat, packages
from .confinement import not_run
from .progress import Progress
from .watchdog import Watchdog

CPUINFO: Final = Path("/proc/cpuinfo")
RECORD: Final = "layerscale_record"
"""The property of a pytest report that holds the fields of a case line."""
STARTING: Final = "terminaldistreporter"
"""pytest-xdist's plugin that says that workers start."""
OVERHEAD: Final = 10_000_000  # the time of a case without parameters, in parameters
MIB: Final = 2**20
LONGEST: Final = 2000  # characters kept of the stderr of a process that died
IDLE: Final = 2  # deaths of workers before a case, until it counts as their cause


class Recorder:
    """Writes the lane's file: a `run` line, a line for each case, an `end` line."""

    def __init__(self, plan: Plan, path: Path, watchdog: Watchdog) -> None:
        self.plan = plan
        self.log = Log(path)
        self.watchdog = watchdog
        self.deaths: dict[str, str] = {}  # reason of a process's first death, by case
        self.retried: set[str] = set()  # cases that will run again after their process died
        self.idle: Counter[str] = Counter()  # deaths of workers between two cases, by the case that was next
        self.pending = {case.id: case for case in plan.cases}
        self.counts: Counter[str] = Counter()
        self.unwritten = False
        self.work = {(entry.model, size): entry.params_at(size) + OVERHEAD for entry in plan.entries for size in Size}
        work = sum(self._work(case) for case in plan.cases)
        self.progress = Progress(f"{plan.pair['id']} {plan.lane}", len(self.pending), work, sys.stderr)

    def _work(self, case: Case) -> int:
        """The parameters of a case's model, if known; 0 for a case that another stands for."""
        return 0 if case.id in self.plan.same_as else self.work.get((case.model, case.size), OVERHEAD)

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Write the header before any case. That workers start is not said: pytest-xdist would say it twice a lane."""
        plugins = session.config.pluginmanager
        if plugins.has_plugin(STARTING):
            starting: Any = plugins.unregister(name=STARTING)
            starting.setstatus = starting.ensure_show_status = _nothing  # pytest-xdist calls it, though it is no plugin
        with self._writing():
            self.log.begin(
                self.plan,
                started=now(),
                packages=packages.installed(),
                platform=platform.platform(),
                device=_device(self.plan.device),
            )
        self.watchdog.start()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self, specs: Sequence[Any]) -> None:
        """Tell the watchdog how many workers will start."""
        self.watchdog.workers.expect(len(specs))

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell the watchdog a worker's process."""
        self.watchdog.workers.started(node.gateway._rinfo().pid)  # noqa: SLF001  as pytest-xdist asks for it itself

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, error: object) -> None:
        """Tell the watchdog that a worker died, and another will start."""
        if error:
            self.watchdog.workers.expect(1)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write the line of a case, also if its process died."""
        case_id = case_id_of(report.nodeid)
        if case_id not in self.pending or (report.when == "setup" and report.passed) or report.when == "teardown":
            return
        properties: dict[str, Any] = dict(report.user_properties)
        line = CaseLine.of(properties[RECORD]) if RECORD in properties else self._unrecorded(case_id, report)
        if case_id in self.retried:
            self.retried.remove(case_id)
            self.deaths[case_id] = line.reason
            return
        case = self.pending.pop(case_id)
        line = replace(line, detail={**line.detail, **self._detail(case, line)})
        self.counts[str(line.outcome)] += 1
        with self._writing():
            self.log.case(case, line)
        self.progress.step(self._work(case), green=line.outcome in GREEN | SKIPPED)

    def _detail(self, case: Case, line: CaseLine) -> dict[str, Any]:
        """The first death of a case's process, and its peak memory and disk, which only the controller knows."""
        died = self.deaths.get(case.id)
        deaths = {"died": died} if died is not None and line.outcome != Outcome.CRASHED else {}
        most = self.watchdog.most.get(case.id) if case.size == Size.FULL else None
        sizes = zip(("held_mb", "disk_mb"), most, strict=True) if most else ()
        return {**deaths, **{name: round(size / MIB, 1) for name, size in sizes}}

    def pytest_sessionfinish(self) -> None:
        """Write the end line, unless the run was interrupted."""
        self.watchdog.close()
        self.progress.close()
        with self._writing():
            if not self.pending and not self.unwritten:
                self.log.end(dict(sorted(self.counts.items())), ended=now())
            self.log.close()

    def pytest_keyboard_interrupt(self) -> None:
        """End the workers at once, after Ctrl-C or when nothing can be recorded; they ignore Ctrl-C themselves."""
        processes.end_descendants()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Stop the run if a line cannot be written: a run with a gap would pass for one that was cut short."""
        try:
            yield
        except OSError as error:
            if not self.unwritten:
                self.unwritten = True
                sys.stderr.write(f"{self.log.path}: {error.strerror}; nothing more can be recorded, so the run stops\n")
                pytest.exit("nothing more can be recorded", returncode=pytest.ExitCode.INTERNAL_ERROR)

    def died_at(self, worker: str, nodeid: str) -> bool:
        """Whether a worker died while it ran a case; also if workers die before it again and again."""
        case_id = case_id_of(nodeid)
        task = heartbeat.tasks(self.watchdog.folder).get(worker)
        self.idle[case_id] += task is None or task.case != case_id
        return (task is not None and task.case == case_id) or self.idle[case_id] > IDLE

    def retry(self, nodeid: str) -> bool:
        """Whether to run a case again whose process died: once, for the case may not be the cause."""
        case_id = case_id_of(nodeid)
        first = case_id not in self.deaths and case_id not in self.watchdog.ends
        if first:
            self.retried.add(case_id)
        return first

    def _unrecorded(self, case_id: str, report: pytest.TestReport) -> CaseLine:
        """The line of a case reported without one: its process died, or the harness itself failed."""
        text = str(report.longrepr or "").strip()
        last = text.rpartition("\n")[2].removeprefix("E").strip()  # pytest marks the exception with it
        if trouble := machine.probe(self.watchdog.folder):  # before the checkpoints that may fill the disk are deleted
            heartbeat.clear(self.watchdog.folder, case_id)
            return not_run(trouble)
        if report.when not in {"setup", "call"}:
            stderr = heartbeat.clear(self.watchdog.folder, case_id)
            outcome, reason = self.watchdog.ends.get(case_id) or (Outcome.CRASHED, _died(stderr))
            return _without_record(outcome, reason, stderr, report.duration)
        outcome = Outcome.TIMEOUT if "Timeout" in last else Outcome.ERROR
        return _without_record(outcome, last or "no reason given", text, report.duration)


def _died(stderr: str) -> str:
    line = heartbeat.decisive_line(stderr)
    return f"the process that ran it died; the last that it said: {line}" if line else "the process that ran it died"


def _without_record(outcome: Outcome, reason: str, text: str, seconds: float) -> CaseLine:
    error = {"phase": "harness", "message": heartbeat.excerpt(text, LONGEST)}
    return CaseLine(outcome, reason, {"silent": False, "error": error}, seconds=round(seconds, 3))


def case_id_of(nodeid: str) -> str:
    """The case of `test_parity.py::test_the_loaded_model_is_the_saved_one[ID]`."""
    return nodeid[nodeid.index("[") + 1 : nodeid.rindex("]")] if "[" in nodeid else nodeid


def _nothing(*_: object, **__: object) -> None:
    """Stands for what would be printed."""


def _device(device: str) -> str:
    if device == "cpu":
        return _processor() or platform.processor() or platform.machine()
    import torch  # noqa: PLC0415  only a lane on a GPU needs it here

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "none"


def _processor() -> str | None:
    """The processor's name as Linux knows it."""
    if not CPUINFO.is_file():
        return None
    names = (
        line.partition(":")[2].strip() for line in CPUINFO.read_text().splitlines() if line.startswith("model name")
    )
    return next(names, None)
