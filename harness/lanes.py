"""Runs the lanes of one pair: its environment, its catalog, its plans.

What makes environments and starts processes is handed in, so that nothing here depends on nox.
"""

import json
import os
import platform
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

from harness import catalog as catalogs
from harness import device, plan, results, scratch
from harness.catalog import Catalog
from harness.errors import BadInput
from harness.installation import InstallationError
from harness.matrix import Lane, Matrix
from harness.pair import Pair
from harness.record import SCHEMA, Case, Log
from harness.selection import Options

ROOT: Final = Path(__file__).parent.parent
PYTEST: Final = ("pytest>=8,<10", "pytest-xdist>=3.6,<4", "pytest-timeout>=2.3,<3")

# The harness on the path, and no hub: every checkpoint is made here.
VARIABLES: Final = {
    "PYTHONPATH": str(ROOT),
    "PYTHONSAFEPATH": "1",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


Document = Mapping[str, Any]
Say = Callable[[str], None]


class Environment(Protocol):
    """A place with its own Python, into which one pair is installed."""

    def install(self, *requirements: str) -> None:
        """Install them. Raises InstallationError, or BadInput for a release that does not exist."""

    def python(
        self, *arguments: str, env: Mapping[str, str], into: Path | None = None, success: Sequence[int] = (0,)
    ) -> bool:
        """Run its Python, standard output going to `into`; whether it ended with a code of `success`."""


@dataclass(frozen=True)
class Lanes:
    """The selected lanes of one pair."""

    matrix: Matrix
    pair: Pair
    options: Options

    def prepare(self, environment: Environment, say: Say) -> Catalog:
        """The catalog, made on the spot where there is none.

        Raises InstallationError, after recording it, and BadInput for a release that does not exist, recording nothing.
        """
        if found := self.catalog():
            return found
        try:
            self.install(environment, say)
            return self.make_catalog(environment, self._catalogs)
        except InstallationError as error:
            nothing, cases = Catalog(self.pair.timm, 0, (), ()), plan.stand_ins(self.matrix, self.options)
            for lane in plan.lanes(self.matrix, self.options):
                document = plan.document(self.matrix, self.pair, lane, nothing, options=self.options, cases=cases)
                self._note_unmade({**document, "catalog": None}, str(error))
            raise

    def run(self, catalog: Catalog, environment: Environment, say: Say) -> None:
        """Run what is planned and has no current record; what a case does is its record.

        Raises InstallationError, after recording it, and BadInput for a release that does not exist, recording nothing.
        """
        lanes = plan.lanes(self.matrix, self.options)
        pending = [(lane, cases) for lane in lanes if (cases := self.pending(lane, catalog))]
        if not pending:
            say(f"{self.pair.id}: all recorded; --rerun runs them again")
        # Before any lane: whether the release exists decides whether even a lane without a device gets a file.
        unmade = self._unmade(environment, say) if any(_is_here(lane) for lane, _ in pending) else None
        for lane, cases in pending:
            document = plan.document(self.matrix, self.pair, lane, catalog, options=self.options, cases=cases)
            if not _is_here(lane):
                self._note_not_run(document, str(device.missing(lane.device)))
            elif unmade:
                self._note_unmade(document, str(unmade))
            else:
                self._run_lane(environment, document)
        if unmade:
            raise unmade

    def catalog(self) -> Catalog | None:
        """The catalog of the pair's timm with all controls, packaged or made earlier; None where there is none."""
        for folder in (catalogs.PACKAGED, self._catalogs):
            try:
                found = catalogs.read(folder, self.pair.timm)
            except ValueError as error:
                path = catalogs.path_in(folder, self.pair.timm)
                raise BadInput(f"{path}: {error}; delete it, it is made again") from error
            if found is not None and set(self.matrix.models.controls) <= set(found.controls):
                return found
        return None

    def planned(self, catalog: Catalog) -> list[Case]:
        """The selected cases, the same in every lane."""
        return plan.plan(self.matrix, catalog, self.options)

    def current(self, catalog: Catalog) -> dict[str, Any]:
        """What a run's header must say for its records to count now."""
        return {
            "pair": {"id": self.pair.id, **self.pair.versions},
            "seed": plan.SEED,
            "cell": plan.cell_digest(self.matrix),
            "catalog": catalog.digest,
        }

    def recorded(self, lane: Lane, catalog: Catalog) -> results.Recorded:
        """What counts among the lane's records."""
        return results.load(self.options.results, self.pair.id, lane.name, self.current(catalog))

    def pending(self, lane: Lane, catalog: Catalog) -> list[Case]:
        """The planned cases that have to be run: without a current record, or one from a machine without the device."""
        if self.options.rerun:
            return self.planned(catalog)
        records = self.recorded(lane, catalog).records
        done = {case for case, record in records.items() if not (_is_here(lane) and record["outcome"] == "not-run")}
        return [case for case in self.planned(catalog) if case.id not in done]

    @property
    def _catalogs(self) -> Path:
        return self.options.results / "catalogs"

    def install(self, environment: Environment, say: Say) -> None:
        """Install the pair and what runs its cases. Raises as `Environment.install` does."""
        say(f"{self.pair.id}: installing; the first torch {self.pair.torch} on this machine is a download of 3 GB")
        environment.install(*self.pair.requirements(), *PYTEST)

    def make_catalog(self, environment: Environment, folder: Path) -> Catalog:
        """Find the models of the installed timm, minutes of work. Raises InstallationError where that fails."""
        path = catalogs.path_in(folder, self.pair.timm)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".unfinished")
        arguments = ("-m", "harness.cell.catalog", "--controls", *self.matrix.models.controls)
        if not environment.python(*arguments, env=VARIABLES, into=unfinished):
            raise InstallationError(f"the catalog of timm {self.pair.timm} could not be made; see above")
        found = catalogs.loads(unfinished.read_text())
        unfinished.rename(path)
        return found

    def _unmade(self, environment: Environment, say: Say) -> InstallationError | None:
        """Why the pair could not be installed; None where it is."""
        try:
            self.install(environment, say)
        except InstallationError as error:
            return error
        return None

    def _run_lane(self, environment: Environment, document: Document) -> None:
        with scratch.folder() as folder:
            path = folder / "plan.json"
            path.write_text(json.dumps(document))
            # 1: cases failed, which is what the records are for.
            environment.python(*self._pytest(document["lane"], path, folder), env=VARIABLES, success=(0, 1))

    def _pytest(self, lane: str, document: Path, folder: Path) -> list[str]:
        workers = self.options.workers or os.cpu_count() or 1
        records = results.path_in(self.options.results.resolve(), self.pair.id, lane)
        return [
            *("-m", "pytest", str(ROOT / "tests" / "matrix"), "-p", "harness.cell.plugin", "-p", "no:cacheprovider"),
            *("-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT), "-qq", "--no-header", "--tb=no", "-r", "N"),
            *("--no-summary", "-W", "ignore", f"--timeout={self.matrix.limits.seconds}", "--timeout-method=signal"),
            *("--plan", str(document), "--records", str(records), "--scratch", str(folder)),
            *("-n", str(workers), "--dist", "loadgroup", "--no-loadscope-reorder"),
        ]

    def _note_not_run(self, document: Document, why: str) -> None:
        """A lane whose device is missing has a file too, in which every case says so."""
        nothing = dict.fromkeys(("max_abs", "max_rel", "noise", "fingerprint", "seconds", "peak_rss_mb"))
        with Log(results.path_in(self.options.results, self.pair.id, document["lane"])) as log:
            _begin(log, document)
            for case in document["cases"]:
                log.write("case", **case, outcome="not-run", reason=why, detail={}, **nothing)
            _end(log, Counter({"not-run": len(document["cases"])}))

    def _note_unmade(self, document: Document, why: str) -> None:
        with Log(results.path_in(self.options.results, self.pair.id, document["lane"])) as log:
            _begin(log, document)
            _end(log, Counter(), failed=results.ENVIRONMENT, reason=why)


def _is_here(lane: Lane) -> bool:
    return device.missing(lane.device) is None


def _begin(log: Log, document: Document) -> None:
    kept = ("pair", "lane", "selection", "seed", "lock", "catalog", "cell", "fallbacks")
    log.write(
        "run",
        schema=SCHEMA,
        **{name: document[name] for name in kept},
        cases=[case["case"] for case in document["cases"]],
        started=_now(),
        packages={},
        platform=platform.platform(),
        device=None,
    )


def _end(log: Log, counts: Counter[str], failed: str | None = None, **reason: str) -> None:
    log.write("end", cases=counts.total(), counts=dict(counts), ended=_now(), failed=failed, **reason)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
