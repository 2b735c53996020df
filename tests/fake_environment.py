"""A fake environment: nothing is installed, no model is loaded."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from harness.contract import catalog, fingerprints
from harness.contract.case import Outcome
from harness.contract.catalog import Catalog
from harness.contract.finding import ScenarioLine
from harness.contract.fingerprints import Fingerprints
from harness.contract.plan import Plan
from harness.contract.record import CaseLine, Log
from harness.environments.pair_environment import PairEnvironment


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
        self.made: dict[Path, Sequence[str]] = {}  # requirements by folder
        self.prints: Fingerprints | None = None
        self.cached: set[str] = set()
        self.locks: list[Path | None] = []
        self.until: list[datetime | None] = []
        self.detail: dict[str, Any] = {}  # of every case
        self.scenarios: dict[str, tuple[ScenarioLine, ...]] = {}  # by case id
        self.packages: dict[str, str] = {}  # that are installed whatever is asked for
        self.plans: list[Plan] = []
        self.ahead: list[list[str]] = []  # the names of those wanted next, each time one could be made ahead
        self.unimportable = ""  # what it says of what cannot be imported
        self.arguments: tuple[str, ...] = ()
        self.success: Sequence[int] = ()
        self.env: Mapping[str, str] = {}

    def enter(self, requirements: Sequence[str]) -> None:
        """Called when an environment is made, and before its Python runs; tests override it."""

    @cached_property
    def root(self) -> Path:
        return Path(tempfile.mkdtemp())

    def resolve(
        self, requirements: Sequence[str], resolved: Path, *, until: datetime | None, python: str, **_everywhere: bool
    ) -> Path:
        self.until.append(until)
        lowest = (one.replace(">=", "==").partition(",")[0] for one in requirements)
        pins = [f"{one} --hash=sha256:0" for one in lowest]
        resolved.write_text("\n".join([*pins, f"# for Python {python}", ""]))
        return resolved

    def has_cached(self, requirement: str, python: str) -> bool:
        return f"{requirement} for {python}" in self.cached

    def make_ahead(self, wanted: Sequence[PairEnvironment]) -> None:
        self.ahead.append([one.name for one in wanted])

    def create(self, folder: Path, requirements: Sequence[str], *, resolved: Path, python: str, locked: bool) -> None:
        self.installed.append(tuple(requirements))
        self.locks.append(resolved if locked else None)
        self.made[folder] = requirements
        self.enter(requirements)
        if self.problem:
            raise self.problem
        pins: Iterator[list[str]] = (one.split("==") for one in requirements if "==" in one)
        packages = {"python": "3.11.7", **dict(pins)} | self.packages
        site = folder / "lib" / f"python{python}" / "site-packages"
        site.mkdir(parents=True)
        (folder / "bin").mkdir()
        (folder / "bin" / "python").touch()
        (folder / "pyvenv.cfg").write_text(f"version_info = {packages.pop('python')}\n")
        for name, version in packages.items():
            info = site / f"{name}-{version}.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n")
            (info / "RECORD").write_text(f"{info.name}/METADATA,,\n")

    def python(
        self,
        interpreter: Path,
        /,
        *arguments: str,
        env: Mapping[str, str],
        into: Path | None = None,
        success: Sequence[int] = (0,),
    ) -> bool:
        self.enter(self.made[interpreter.parent.parent])
        self.arguments, self.success, self.env = arguments, success, env
        if into is None and not self.ends:
            return False  # pytest died before it wrote a line
        if into is None:
            self._record(Path(self.option("--plan")), Path(self.option("--records")))
        elif arguments[-1].endswith("guards.importing"):
            into.write_text(self.unimportable)
        elif self.prints and arguments[1].endswith("probes.builder"):
            into.write_text(fingerprints.dumps(self.prints))
        elif self.catalog:
            into.write_text(catalog.dumps(self.catalog))
        return into is None or self.catalog is not None

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
                    line = CaseLine(Outcome(outcome), f"{outcome} here", self.detail)
                    log.case(case, replace(line, scenarios=self.scenarios.get(case.id, ())))
            if counts.total() == len(plan.cases):
                log.end(counts, ended=MACHINE["started"])


MACHINE: Final[dict[str, Any]] = {
    "started": "2026-11-20T12:00:00+00:00",
    "packages": {},
    "platform": "none",
    "device": None,
}
