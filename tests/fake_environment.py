"""A fake environment: nothing is installed, no model is loaded."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from harness.contract import catalog
from harness.contract.case import Outcome
from harness.contract.catalog import Catalog
from harness.contract.plan import Plan
from harness.contract.record import CaseLine, Log


class FakeEnvironment:
    """Stands in for a nox session: its Python writes the records that a run of the plan would, or a catalog.

    `outcomes` are by case id, `passed` where it has none; a case with None gets no line, nor the run its end. With
    `ends=False` pytest dies before it writes anything.
    """

    def __init__(
        self,
        outcomes: Mapping[str, str | None] | None = None,
        problem: Exception | None = None,
        catalog: Catalog | None = None,
        *,
        ends: bool = True,
    ) -> None:
        self.outcomes = outcomes or {}
        self.problem = problem
        self.catalog = catalog
        self.ends = ends
        self.installed: list[tuple[str, ...]] = []
        self.locks: list[Path | None] = []
        self.until: list[datetime | None] = []
        self.detail: dict[str, Any] = {}  # of every case
        self.packages: dict[str, str] = {}  # that are there whatever is installed
        self.plans: list[Plan] = []
        self.arguments: tuple[str, ...] = ()
        self.success: Sequence[int] = ()
        self.env: Mapping[str, str] = {}

    def install(self, requirements: Sequence[str], *, lock: Path | None, until: datetime | None) -> None:
        self.installed.append(tuple(requirements))
        self.locks.append(lock)
        self.until.append(until)
        if self.problem:
            raise self.problem

    def resolve(
        self, requirements: Sequence[str], resolved: Path, *, until: datetime | None, python: str | None = None
    ) -> Path:
        self.until.append(until)
        lowest = (one.replace(">=", "==").partition(",")[0] for one in requirements)
        pins = [f"{one} --hash=sha256:0" for one in lowest]
        resolved.write_text("\n".join([*pins, f"# for Python {python}", ""]))
        return resolved

    def python(
        self,
        *arguments: str,
        env: Mapping[str, str],
        into: Path | None = None,
        success: Sequence[int] = (0,),
    ) -> bool:
        self.arguments, self.success, self.env = arguments, success, env
        if "harness.cell.runtime.packages" in arguments:
            assert into is not None
            into.write_text(json.dumps(self._there() | self.packages))
            return True
        if into is None and not self.ends:
            return False  # pytest died before it wrote a line
        if into is None:
            self._record(Path(self.option("--plan")), Path(self.option("--records")))
        elif self.catalog:
            into.write_text(catalog.dumps(self.catalog))
        return into is None or self.catalog is not None

    def _there(self) -> dict[str, str]:
        """What the last installation asked for."""
        pins: Iterator[list[str]] = (one.split("==") for one in self.installed[-1] if "==" in one)
        return {"python": "3.11.7", **dict(pins)}

    def option(self, name: str) -> str:
        """The value of an option of the last command."""
        return self.arguments[self.arguments.index(name) + 1]

    def _record(self, path: Path, records: Path) -> None:
        plan = Plan.loads(path.read_text())
        self.plans.append(plan)
        counts: Counter[str] = Counter()
        with Log(records) as log:
            log.begin(plan, **MACHINE)
            for case in plan.cases:
                outcome = self.outcomes.get(case.id, "passed")
                if outcome is not None:
                    counts[outcome] += 1
                    log.case(case, CaseLine(Outcome(outcome), f"{outcome} here", self.detail))
            if counts.total() == len(plan.cases):
                log.end(counts, ended=MACHINE["started"])


MACHINE: Final[dict[str, Any]] = {
    "started": "2026-11-20T12:00:00+00:00",
    "packages": {},
    "platform": "none",
    "device": None,
}
