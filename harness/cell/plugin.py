"""The pytest plugin that runs a plan inside a pair's environment and appends one record a case.

    python -m pytest tests/matrix -p harness.cell.plugin --plan plan.json --records FILE --scratch DIR -n 2

With pytest-xdist the workers run cases and the controller writes records, so a file has one writer, and a worker that
dies takes no other case's record with it.
"""

import importlib.metadata
import json
import platform
import sys
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from harness.cell.progress import Progress
from harness.record import GREEN, HEADER, SKIPPED, Case, Log

CPUINFO: Final = Path("/proc/cpuinfo")
RECORD: Final = "layerscale_record"
OVERHEAD: Final = 10_000_000  # parameters that take as long as a case without any
LONGEST: Final = 2000  # characters kept of what a dying process said


def pytest_addoption(parser: pytest.Parser) -> None:
    """What the command line takes."""
    group = parser.getgroup("layerscale-matrix")
    group.addoption("--plan", type=Path, help="the JSON plan of one pair's lane")
    group.addoption("--records", type=Path, help="the JSON lines file to append to")
    group.addoption("--scratch", type=Path, help="where checkpoints lie while their case runs")


def pytest_configure(config: pytest.Config) -> None:
    """Read the plan; the controller opens the records."""
    plan = json.loads(config.getoption("--plan").read_text())
    config.pluginmanager.register(Cases(plan, config.getoption("--scratch")), "layerscale-cases")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(plan, config.getoption("--records")), "layerscale-recorder")


class Cases:
    """Runs the planned cases. Those of one model follow each other in one process and share what is native."""

    def __init__(self, plan: Mapping[str, Any], scratch: Path) -> None:
        self.plan = plan
        self.scratch = scratch
        self.runner: Any = None

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One test a case, grouped by model for xdist."""
        if "case" in metafunc.fixturenames:
            metafunc.parametrize(
                "case",
                [
                    pytest.param(case, id=case.id, marks=pytest.mark.xdist_group(case.model))
                    for case in (Case.parse(planned["case"]) for planned in self.plan["cases"])
                ],
            )

    @pytest.fixture
    def record(self, case: Case, request: pytest.FixtureRequest) -> Mapping[str, Any]:
        """The record of the case, which also travels with pytest's report."""
        if self.runner is None:
            # Imported here: the controller of a run needs neither torch nor the two libraries.
            from harness.cell.runner import Runner  # noqa: PLC0415

            self.runner = Runner(self.plan, self.scratch, _workers(request.config))
        record: Mapping[str, Any] = self.runner.run(case)
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

    def __init__(self, plan: Mapping[str, Any], path: Path) -> None:
        self.plan = plan
        self.log = Log(path)
        self.left = {planned["case"]: planned for planned in plan["cases"]}
        self.counts: Counter[str] = Counter()
        self.work = {entry["model"]: entry["slim"]["params"] + OVERHEAD for entry in plan["entries"]}
        work = sum(self.work[planned["model"]] for planned in self.left.values())
        self.progress = Progress(f"{plan['pair']['id']} {plan['lane']}", len(self.left), work, sys.stderr)

    def pytest_sessionstart(self) -> None:
        """The header, before any case."""
        self.log.write(
            "run",
            schema=self.plan["schema"],
            **{name: self.plan[name] for name in HEADER},
            cases=list(self.left),
            started=_now(),
            packages={dist.name: dist.version for dist in importlib.metadata.distributions()},
            platform=platform.platform(),
            device=_device(self.plan["device"]),
        )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A line for each case, also where its process died with it."""
        properties: dict[str, Any] = dict(report.user_properties)
        case = _case_of(report.nodeid)
        if case not in self.left or (report.when == "setup" and report.passed) or report.when == "teardown":
            return
        fields = properties.get(RECORD) or _unrecorded(report)
        planned = self.left.pop(case)
        self.counts[fields["outcome"]] += 1
        self.log.write("case", **planned, **fields)
        self.progress.step(self.work[planned["model"]], green=fields["outcome"] in GREEN | SKIPPED)

    def pytest_sessionfinish(self) -> None:
        """The end. A run that was cut off has none."""
        self.progress.close()
        counts = dict(sorted(self.counts.items()))
        if not self.left:
            self.log.write("end", cases=sum(counts.values()), counts=counts, ended=_now(), failed=None)
        self.log.close()


def _unrecorded(report: pytest.TestReport) -> dict[str, Any]:
    """The fields for a case that came back without a record: its process died, or the harness itself failed."""
    text = str(report.longrepr or "")
    last = text.strip().rpartition("\n")[2]
    outcome = "crashed" if "crashed" in text and report.when not in {"setup", "call"} else "error"
    if "Timeout" in last:
        outcome = "timeout"
    return {
        "outcome": outcome,
        "reason": last or "no reason given",
        "detail": {"silent": False, "error": {"phase": "harness", "message": text[-LONGEST:]}},
        **dict.fromkeys(("max_abs", "max_rel", "noise", "fingerprint", "peak_rss_mb")),
        "seconds": round(report.duration, 3),
    }


def _case_of(nodeid: str) -> str:
    """`test_parity[ID]`, to which xdist appends `@group`."""
    return nodeid[nodeid.index("[") + 1 : nodeid.rindex("]")] if "[" in nodeid else nodeid


def _workers(config: pytest.Config) -> int:
    worker: Mapping[str, Any] = getattr(config, "workerinput", {})
    return int(worker.get("workercount", 1))


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
