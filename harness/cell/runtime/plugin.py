"""The pytest plugin that runs a plan inside a pair's environment and appends one record a case.

    python -m pytest tests/matrix -p harness.cell.runtime.plugin --plan FILE --records FILE --scratch DIR --parent PID

With pytest-xdist the workers run cases and the controller writes records, so a file has one writer, and a worker that
dies takes no other case's record with it.
"""

import contextlib
import json
import os
import platform
import sys
from collections import Counter
from collections.abc import Generator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from ...contract import processes
from ...contract.record import DEFAULT_SIZE, FULL, GREEN, HEADER, HUB, SKIPPED, Case, Log
from ..guards import offline
from . import heartbeat, packages
from .heartbeat import Heartbeat
from .memory_budget import MemoryBudget
from .progress import Progress
from .watchdog import Watchdog, limit_of

CPUINFO: Final = Path("/proc/cpuinfo")
RECORD: Final = "layerscale_record"
RECORDER: Final = "layerscale-recorder"
PARENT: Final = "layerscale_parent"
OVERHEAD: Final = 10_000_000  # parameters that take as long as a case without any
MIB: Final = 2**20
ITS_OWN: Final = frozenset({"seconds", "peak_rss_mb", "phases", "peak_gpu_mb"})
"""What a record, and its detail, say of the one run."""
LONGEST: Final = 2000  # characters kept of what a dying process said


def pytest_addoption(parser: pytest.Parser) -> None:
    """What the command line takes."""
    group = parser.getgroup("layerscale-matrix")
    group.addoption("--plan", type=Path, help="the JSON plan of one pair's lane")
    group.addoption("--records", type=Path, help="the JSON lines file to append to")
    group.addoption("--scratch", type=Path, help="where checkpoints lie while their case runs")
    group.addoption("--parent", type=int, help="the process that starts this one, which is not to outlive it")


def pytest_configure(config: pytest.Config) -> None:
    """Read the plan; the controller opens the records."""
    plan = json.loads(config.getoption("--plan").read_text())
    # nox starts pytest, and that its workers. An orphan would go on recording beside the next run.
    processes.die_with(_workerinput(config).get(PARENT) or config.getoption("--parent"))
    if plan["weights"] != HUB:
        offline.enforce()
    scratch = config.getoption("--scratch")
    config.pluginmanager.register(Cases(plan, scratch), "layerscale-cases")
    if not _workerinput(config):
        watchdog = Watchdog(scratch, plan["limits"])
        config.pluginmanager.register(Recorder(plan, config.getoption("--records"), watchdog), RECORDER)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker who starts it."""
    node.workerinput[PARENT] = os.getpid()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand out cases so that one that kills its worker costs no other."""
    from .scheduler import ModelScheduling  # noqa: PLC0415  pytest-xdist is not where the tests look inside

    recorder: Any = config.pluginmanager.get_plugin(RECORDER)
    same_as = recorder.plan["same_as"]

    def model_of(nodeid: str) -> str:
        case = _case_of(nodeid)
        return Case.parse(same_as.get(case, case)).model

    return ModelScheduling(config, log, recorder.again, model_of)


class Cases:
    """Runs the planned cases. Those of one model follow each other in one process and share what is native."""

    def __init__(self, plan: Mapping[str, Any], scratch: Path) -> None:
        self.plan = plan
        self.scratch = scratch
        self.runner: Any = None
        self.heartbeat: Heartbeat | None = None
        self.recorded: dict[str, Mapping[str, Any]] = {}  # of this process, the cases that may stand for others
        self.budget: MemoryBudget | None = None

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One test a case."""
        if "case" in metafunc.fixturenames:
            metafunc.parametrize(
                "case",
                [
                    pytest.param(case, id=case.id, marks=pytest.mark.timeout(self._seconds(case)))
                    for case in (Case.parse(planned["case"]) for planned in self.plan["cases"])
                ],
            )

    def _seconds(self, case: Case) -> int:
        limits = self.plan["limits"]
        seconds: int = limits[limit_of(case.id, limits)]
        return seconds

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Generator[None, object, object]:
        """Before its first case a large model waits for room, in time that is not the case's; after its last it goes.

        A worker knows the next case before it runs one.
        """
        case, following = _planned(item), nextitem and _planned(nextitem)
        needed = self.plan["needs"].get(case.model) if case and case.size == FULL else None
        if needed and self.budget is None:
            self.budget = MemoryBudget(self.scratch, _workerid(item.config), self.plan["room"])
            self.budget.take(needed)
        result = yield
        if self.budget and case and not (following and (case.model, case.size) == (following.model, following.size)):
            if self.runner is not None:
                self.runner.close()
            self.budget.leave()
            self.budget = None
        return result

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Import the libraries before the first case, whose time that is not. What they raise, each case will say."""
        if _workerinput(session.config):
            with contextlib.suppress(Exception):
                self._import(session.config)

    def _import(self, config: pytest.Config) -> None:
        if self.runner is None:
            if gpus := self.plan["gpus"]:  # one context a worker, on one GPU
                os.environ["CUDA_VISIBLE_DEVICES"] = gpus[_number(config) % len(gpus)]
            # Imported here: the controller of a run needs neither torch nor the two libraries.
            from .runner import Runner  # noqa: PLC0415

            folder = heartbeat.checkpoints(self.scratch, os.getpid())
            self.runner = Runner(self.plan, folder, workers=_workerinput(config).get("workercount", 1))

    @pytest.fixture
    def record(self, case: Case, request: pytest.FixtureRequest) -> Mapping[str, Any]:
        """The record of the case, which also travels with pytest's report."""
        other = self.plan["same_as"].get(case.id)
        record = standing_for(self.recorded.get(other), Case.parse(other)) if other else None
        if record is None:
            self._import(request.config)
            self.heartbeat = self.heartbeat or Heartbeat(self.scratch, _workerid(request.config))
            with self.heartbeat.at(case.id):
                record = self.runner.run(case)
            if case.id in self.plan["same_as"].values():
                self.recorded[case.id] = record
        request.node.user_properties.append((RECORD, record))
        return record

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str]:
        """No letter a case: the recorder shows progress."""
        return (report.outcome if report.when == "call" or not report.passed else "", "", "")

    def pytest_unconfigure(self) -> None:
        """Leave no checkpoint behind."""
        if self.runner is not None:
            self.runner.close()


class Recorder:
    """Writes the lane's file: `run`, a line a case, `end`."""

    def __init__(self, plan: Mapping[str, Any], path: Path, watchdog: Watchdog) -> None:
        self.plan = plan
        self.log = Log(path)
        self.watchdog = watchdog
        self.deaths: dict[str, str] = {}  # how a case's process died the first time
        self.waiting: set[str] = set()  # cases that will be run again for it
        self.left = {planned["case"]: planned for planned in plan["cases"]}
        self.counts: Counter[str] = Counter()
        self.work = {
            (entry["model"], size): params + OVERHEAD
            for entry in plan["entries"]
            for size, params in ((DEFAULT_SIZE, entry["slim"]["params"]), (FULL, entry["params"]))
        }
        work = sum(self._work(planned) for planned in self.left.values())
        self.progress = Progress(f"{plan['pair']['id']} {plan['lane']}", len(self.left), work, sys.stderr)

    def _work(self, planned: Mapping[str, Any]) -> int:
        """Of a model of somebody's own nobody knows; and what another is run for takes none."""
        if planned["case"] in self.plan["same_as"]:
            return 0
        work: int = self.work.get((planned["model"], planned["size"]), OVERHEAD)
        return work

    def pytest_sessionstart(self) -> None:
        """The header, before any case."""
        self.log.write(
            "run",
            schema=self.plan["schema"],
            **{name: self.plan[name] for name in HEADER},
            cases=list(self.left),
            started=_now(),
            packages=packages.installed(),
            platform=platform.platform(),
            device=_device(self.plan["device"]),
        )
        self.watchdog.start()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A line for each case, also where its process died with it."""
        properties: dict[str, Any] = dict(report.user_properties)
        case = _case_of(report.nodeid)
        if case not in self.left or (report.when == "setup" and report.passed) or report.when == "teardown":
            return
        fields = properties.get(RECORD) or self._unrecorded(case, report)
        if case in self.waiting:
            self.waiting.remove(case)
            self.deaths[case] = fields["reason"]
            return
        if case in self.deaths and fields["outcome"] != "crashed":
            fields["detail"]["died"] = self.deaths[case]
        planned = self.left.pop(case)
        if planned["size"] == FULL and case in self.watchdog.most:
            sizes = zip(("held_mb", "disk_mb"), self.watchdog.most[case], strict=True)
            fields["detail"] |= {name: round(size / MIB, 1) for name, size in sizes}
        self.counts[fields["outcome"]] += 1
        self.log.write("case", **planned, **fields)
        self.progress.step(self._work(planned), green=fields["outcome"] in GREEN | SKIPPED)

    def pytest_sessionfinish(self) -> None:
        """The end. A run that was cut off has none."""
        self.watchdog.close()
        self.progress.close()
        counts = dict(sorted(self.counts.items()))
        if not self.left:
            self.log.write("end", cases=sum(counts.values()), counts=counts, ended=_now(), failed=None)
        self.log.close()

    def again(self, nodeid: str) -> bool:
        """Whether to run a case again whose process died, which may not have been the case's doing: once."""
        case = _case_of(nodeid)
        first = case not in self.deaths and case not in self.watchdog.ends
        if first:
            self.waiting.add(case)
        return first

    def _unrecorded(self, case: str, report: pytest.TestReport) -> dict[str, Any]:
        """The fields for a case that came back without a record: its process died, or the harness itself failed."""
        text = str(report.longrepr or "").strip()
        last = text.rpartition("\n")[2].removeprefix("E").strip()  # pytest marks what was raised with it
        if report.when not in {"setup", "call"}:
            said = heartbeat.cleared(self.watchdog.folder, case)
            outcome, reason = self.watchdog.ends.get(case) or ("crashed", _died(said))
            return _without_record(outcome, reason, said, report.duration)
        outcome = "timeout" if "Timeout" in last else "error"
        return _without_record(outcome, last or "no reason given", text, report.duration)


def standing_for(record: Mapping[str, Any] | None, other: Case) -> Mapping[str, Any] | None:
    """The record of the other case as that of one whose model is the same; None where it cannot be.

    It cannot where there is none, for its process died or it was interrupted; where a second try came out otherwise; or
    where it names the model.
    """
    if record is None or "nondeterministic" in record["detail"] or other.model in json.dumps(record, default=str):
        return None
    detail = {name: value for name, value in record["detail"].items() if name not in ITS_OWN}
    return {**record, **dict.fromkeys(ITS_OWN & record.keys()), "detail": detail, "same_as": other.id}


def _died(said: str) -> str:
    words = heartbeat.last_words(said)
    return f"the process that ran it died; the last that it said: {words}" if words else "the process that ran it died"


def _without_record(outcome: str, reason: str, said: str, seconds: float) -> dict[str, Any]:
    return {
        "outcome": outcome,
        "reason": reason,
        "detail": {"silent": False, "error": {"phase": "harness", "message": heartbeat.ending(said, LONGEST)}},
        **dict.fromkeys(("max_abs", "max_rel", "noise", "fingerprint", "peak_rss_mb")),
        "seconds": round(seconds, 3),
    }


def _case_of(nodeid: str) -> str:
    """Of `test_parity[ID]`."""
    return nodeid[nodeid.index("[") + 1 : nodeid.rindex("]")] if "[" in nodeid else nodeid


def _workerinput(config: pytest.Config) -> Mapping[str, Any]:
    """What pytest-xdist tells a worker of itself; empty in the controller."""
    found: Mapping[str, Any] = getattr(config, "workerinput", {})
    return found


def _workerid(config: pytest.Config) -> str:
    name: str = _workerinput(config).get("workerid", "main")
    return name


def _number(config: pytest.Config) -> int:
    """The worker's, from 0 on; the successor of one that died has a number of its own."""
    digits = _workerid(config).removeprefix("gw")
    return int(digits) if digits.isdecimal() else 0


def _planned(item: pytest.Item) -> Case | None:
    """The case that a test runs."""
    call = getattr(item, "callspec", None)
    found: Case | None = call.params.get("case") if call else None
    return found


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


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
