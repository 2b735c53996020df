"""A fake environment: nothing is installed, no model is loaded."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from harness import catalog
from harness.catalog import Catalog
from harness.record import Log


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
        self.plans: list[dict[str, Any]] = []
        self.arguments: tuple[str, ...] = ()
        self.success: Sequence[int] = ()

    def install(self, *requirements: str) -> None:
        self.installed.append(requirements)
        if self.problem:
            raise self.problem

    def python(
        self,
        *arguments: str,
        env: Mapping[str, str],  # noqa: ARG002 - nothing runs
        into: Path | None = None,
        success: Sequence[int] = (0,),
    ) -> bool:
        self.arguments, self.success = arguments, success
        if into is None and not self.ends:
            return False  # pytest died before it wrote a line
        if into is None:
            self._record(Path(self.option("--plan")), Path(self.option("--records")))
        elif self.catalog:
            into.write_text(catalog.dumps(self.catalog))
        return into is None or self.catalog is not None

    def option(self, name: str) -> str:
        """The value of an option of the last command."""
        return self.arguments[self.arguments.index(name) + 1]

    def _record(self, plan: Path, records: Path) -> None:
        document = json.loads(plan.read_text())
        self.plans.append(document)
        header = ("schema", "pair", "lane", "selection", "seed", "lock", "catalog", "cell", "fallbacks")
        nothing = dict.fromkeys(("max_abs", "max_rel", "noise", "fingerprint", "seconds", "peak_rss_mb"))
        counts: dict[str, int] = {}
        with Log(records) as log:
            planned = [case["case"] for case in document["cases"]]
            log.write("run", **{name: document[name] for name in header}, cases=planned, **MACHINE)
            for case in document["cases"]:
                outcome = self.outcomes.get(case["case"], "passed")
                if outcome is not None:
                    counts[outcome] = counts.get(outcome, 0) + 1
                    log.write("case", **case, outcome=outcome, reason=f"{outcome} here", detail={}, **nothing)
            if sum(counts.values()) == len(planned):
                log.write("end", cases=len(planned), counts=counts, ended=MACHINE["started"], failed=None)


MACHINE: Final[dict[str, Any]] = {
    "started": "2026-11-20T12:00:00+00:00",
    "packages": {},
    "platform": "none",
    "device": None,
}
