"""Runs the lanes of one pair: its environment, its catalog, its plans.

What makes environments and starts processes is handed in, so that nothing here depends on nox.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol

from ..config.errors import BadInput
from ..config.matrix import Lane, Matrix
from ..config.option_parser import Options
from ..config.pair import Pair
from ..contract import catalog as catalogs
from ..contract import package, record
from ..contract.catalog import Catalog
from ..contract.library_env import KEPT_BYTECODE, LIBRARIES, ONLINE
from ..contract.package import ROOT
from ..contract.record import HUB, SEED, Case
from ..environments import lock as locks
from ..environments import pypi
from ..environments.installer_output import InstallationError
from ..environments.lock import LATEST, Lock
from ..planning import capacity, device, plan
from ..planning.capacity import Needs
from ..results import store
from . import placeholders, run_lock, tempdirs

# The harness on the path, and no options of pytest's that a user has set.
VARIABLES: Final = {
    "PYTHONPATH": str(ROOT),
    "PYTHONSAFEPATH": "1",
    "PYTEST_ADDOPTS": "",
    **KEPT_BYTECODE,
    **LIBRARIES,
}
UNFINISHED: Final = ".unfinished"

Document = Mapping[str, Any]
Say = Callable[[str], None]


class Environment(Protocol):
    """A place with its own Python, into which one pair is installed."""

    def install(self, requirements: Sequence[str], *, lock: Path | None, until: datetime | None) -> None:
        """Install what the lock names; without one, what the requirements come to among releases until then.

        Raises InstallationError, or BadInput for a release that does not exist.
        """

    def resolve(
        self, requirements: Sequence[str], resolved: Path, *, until: datetime | None, python: str | None = None
    ) -> Path:
        """Write down all that they come to; with a Python for every platform, with hashes. Raises as above."""

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
    only: frozenset[tuple[str, str]] | None = None
    """The cases to run, by lane and id; all that the options leave where it is None."""
    saved_by: "Lanes | None" = None
    """The pair whose checkpoints are loaded, where that is another one."""
    catalogs: Path | None = None
    """Where catalogs are that were made on the spot; in the results folder where it is None."""
    elsewhere: bool = False
    """Whether other machines run it, which may have what this one lacks."""
    carry: Mapping[str, str] = field(default_factory=dict)
    """The folder that keeps what is saved, or from which it is taken: `keeps` or `takes`."""

    def prepare(self, environment: Environment, say: Say) -> Catalog:
        """The catalog, made on the spot where there is none.

        Raises InstallationError, after recording it, and BadInput for a release that does not exist, recording nothing.
        """
        if found := self.catalog():
            return found
        try:
            self.install(environment, say)
            return self.make_catalog(environment, self._own_catalogs)
        except InstallationError as error:
            nothing, cases = Catalog(self.pair.timm, 0, (), ()), plan.stand_ins(self.matrix, self.options)
            for lane in plan.lanes(self.matrix, self.options):
                document = self.document(lane, nothing, cases)
                unknown = {**document, "catalog": None}
                placeholders.note_failure(self._records(document), unknown, store.ENVIRONMENT, str(error))
            raise

    def run(self, catalog: Catalog, environment: Environment, say: Say) -> None:
        """Run what is planned and has no current record; what a case does is its record.

        Raises InstallationError, after recording it, and BadInput for a release that does not exist, recording nothing.
        """
        tempdirs.sweep(Path(tempfile.gettempdir()))  # before anybody asks how much disk there is
        lanes = plan.lanes(self.matrix, self.options)
        pending = [(lane, cases) for lane in lanes if (cases := self.pending(lane, catalog))]
        if not pending:
            say(f"{self.pair.id}: all recorded; --rerun runs them again")
        without = {lane.name: self._cannot_run(lane, catalog, cases) for lane, cases in pending}
        # Before any lane: whether the release exists decides whether even a lane without a device gets a file.
        anything = any(len(without[lane.name]) < len(cases) for lane, cases in pending)
        unmade = self._unmade(environment, say) if anything else None
        for lane, cases in pending:
            why = without[lane.name]
            if why:
                document = self.document(lane, catalog, [case for case in cases if case.id in why])
                placeholders.note_not_run(self._records(document), document, why)
            if len(why) < len(cases):
                document = self.document(lane, catalog, [case for case in cases if case.id not in why])
                self._run_or_note(environment, document, unmade)
        if unmade:
            raise unmade

    def note_not_run(self, lane: Lane, catalog: Catalog, why: str) -> None:
        """Say of every planned case that has no record that it was not run."""
        known = self.recorded(lane, catalog).records
        cases = [case for case in self.planned(lane, catalog) if case.id not in known]
        if cases:
            document = self.document(lane, catalog, cases)
            placeholders.note_not_run(self._records(document), document, {case.id: why for case in cases})

    def _run_or_note(self, environment: Environment, document: Document, unmade: InstallationError | None) -> None:
        if unmade:
            placeholders.note_failure(self._records(document), document, store.ENVIRONMENT, str(unmade))
        else:
            self._run_lane(environment, document)

    def needs(self, lane: Lane, catalog: Catalog) -> Needs:
        """What full-size cases need."""
        return Needs(catalog, lane, self.pair, self.options.from_hub)

    def _cannot_run(self, lane: Lane, catalog: Catalog, cases: Sequence[Case]) -> dict[str, str]:
        """Why cases cannot be run on this machine, by id; none where others run them."""
        if self.elsewhere:
            return {}
        if missing := device.missing(lane.device):
            return {case.id: missing for case in cases}
        found = self.needs(lane, catalog).unfit(cases, self.matrix.limits)
        return {case.id: why for case, why in found.items()}

    @property
    def files(self) -> list[Path]:
        """Every folder and file of the pair in the results folder, whether it is there or not."""
        records = [store.path_in(self.options.results, self.pair.id, lane.name) for lane in self.matrix.lanes]
        made = [catalogs.path_in(folder, self.pair.timm) for folder in (self.own_folder, self._own_catalogs)]
        made += [path.with_suffix(UNFINISHED) for path in made]
        above = [self.options.results, self.options.results.parent] if self.saved_by else []
        return [
            *above,
            self.options.results / run_lock.FILE,
            self.own_folder,
            self._own_catalogs,
            *made,
            *(path.parent for path in records),
            *records,
        ]

    def catalog(self) -> Catalog | None:
        """The catalog of the pair's timm with all controls, packaged or made earlier; None where there is none."""
        store.refuse_links(self.files)
        folders = (catalogs.PACKAGED, self.own_folder, self._own_catalogs)
        return find_catalog(folders, self.pair.timm, self.matrix.models.controls)

    def reading(self, results: Path) -> "Lanes":
        """The same with the records of another folder."""
        return replace(self, options=replace(self.options, results=results))

    def planned(self, lane: Lane, catalog: Catalog) -> list[Case]:
        """The selected cases of a lane."""
        planned = plan.plan(self.matrix, catalog, lane, self.options)
        return [case for case in planned if self.only is None or (lane.name, case.id) in self.only]

    def current(self, catalog: Catalog) -> dict[str, Any]:
        """What a run's header must say for its records to count now."""
        return {
            "pair": {"id": self.pair.id, **self.pair.versions},
            "seed": SEED,
            "cell": plan.cell_digest(self.matrix),
            "catalog": catalog.digest,
            "lock": self.resolved_from,
            "own": self.options.asked,
            "weights": HUB if self.options.from_hub else None,
        }

    def recorded(self, lane: Lane, catalog: Catalog) -> store.Recorded:
        """What counts among the lane's records."""
        store.refuse_links(self.files)
        return store.load(self.options.results, self.pair.id, lane.name, self.current(catalog))

    def pending(self, lane: Lane, catalog: Catalog) -> list[Case]:
        """The planned cases that have to be run: without a current record, or not run for a lack that is none here."""
        records = self.recorded(lane, catalog).records
        # Who asks for the newest asks about today; and nobody knows whether a model of somebody's own has changed.
        moving = any(not one.is_wheel for one in self.pair.sources)  # a branch is another one every day
        if self.options.rerun or self.options.resolve == LATEST or self.options.own or moving:
            return self.planned(lane, catalog)
        planned = self.planned(lane, catalog)
        not_run = [case for case in planned if records.get(case.id, {}).get("outcome") == "not-run"]
        done = records.keys() - ({case.id for case in not_run} - self._cannot_run(lane, catalog, not_run).keys())
        return [case for case in planned if case.id not in done]

    @property
    def own_folder(self) -> Path:
        """Where catalogs are that were made on the spot."""
        return self.catalogs or self.options.results / "catalogs"

    @property
    def _own_catalogs(self) -> Path:
        """Where a catalog goes that is made on the spot: of the named models alone, in seconds, where they will do."""
        if not self.options.named_anyway:
            return self.own_folder
        return self.own_folder / f"of-{hashlib.sha256(json.dumps(self.options.models).encode()).hexdigest()[:16]}"

    @cached_property
    def lock(self) -> Lock | None:
        """The pair's lock; None where it has none. Raises BadInput for a bad one."""
        return locks.of(self.pair)

    @property
    def resolved_from(self) -> str | None:
        """What a run's header says of its environment: the digest of the lock, `latest`, or null for a date."""
        own = LATEST if self.options.resolve == LATEST else self.lock.digest if self.lock else None
        return own if self.saved_by is None else f"{own}, from {self.saved_by.resolved_from}"

    def install(self, environment: Environment, say: Say) -> None:
        """Install the pair and what runs its cases, and look whether it is that. Raises as `Environment.install` does.

        Locked, or resolved as of matrix.yaml's date or of the pair's own newest release, or of today.
        """
        say(f"{self.pair.id}: installing; the first torch {self.pair.torch} on this machine is a download of 3 GB")
        latest = self.options.resolve == LATEST
        locked = None if latest else self.lock
        until = None if latest or locked else self._until(say)
        environment.install(locks.requirements(self.pair), lock=locked.path if locked else None, until=until)
        packages = self._packages(environment)
        if wrong := locks.wrong(self.pair, packages) + (locked.differences(packages) if locked else []):
            raise InstallationError(f"{'; '.join(wrong)}; delete the environment's folder in .nox, it is made again")
        if latest:
            say(f"{self.pair.id}: {_compared(self.lock, packages)}")

    def make_lock(self, environment: Environment, folder: Path, say: Say) -> None:
        """Resolve the pair anew, for every platform and with hashes. Raises as `Environment.install` does."""
        if self.pair.sources:
            say(f"{self.pair.id}: no lock, for what it is made of is no release")
            return
        until = self._until(say)
        with tempfile.TemporaryDirectory() as draft:
            asked, resolved = locks.requirements(self.pair), Path(draft) / "resolved.txt"
            environment.resolve(asked, resolved, until=until, python=self.pair.python)
            text = locks.text(self.pair, resolved.read_text(), f"{until or pypi.today():%Y-%m-%d}")
        path = locks.path_in(folder, self.pair.id)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        say(f"{path}: {len(Lock.read(path).pins)} packages")

    def _until(self, say: Say) -> datetime | None:
        """The moment after which no release counts; None where the matrix has no date."""
        if self.matrix.as_of is None:
            return None
        if self.pair.sources:  # a branch of today may need what appeared today
            return pypi.end_of(pypi.today())
        try:
            return pypi.day_of(self.pair.requirements(), self.matrix.as_of)
        except OSError as error:
            say(f"{self.pair.id}: PyPI did not say when its releases appeared, so as of {self.matrix.as_of}: {error}")
            return pypi.end_of(self.matrix.as_of)

    def _packages(self, environment: Environment) -> Mapping[str, str]:
        """What is installed there, version by name."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "packages.json"
            if not environment.python("-m", package.module("cell.runtime.packages"), env=VARIABLES, into=path):
                raise InstallationError("what is installed could not be listed; see above")
            found: Mapping[str, str] = json.loads(path.read_text())
            return found

    def make_catalog(self, environment: Environment, folder: Path) -> Catalog:
        """Find the models of the installed timm, minutes of work. Raises InstallationError where that fails."""
        path = catalogs.path_in(folder, self.pair.timm)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(UNFINISHED)
        only = () if folder in {catalogs.PACKAGED, self.own_folder} else ("--only", *self.options.models)
        arguments = (
            "-m",
            package.module("cell.models.catalog_builder"),
            "--controls",
            *self.matrix.models.controls,
            *only,
        )
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

    def document(self, lane: Lane, catalog: Catalog, cases: Sequence[Case]) -> Document:
        """The plan of these cases."""
        resolved = self.resolved_from
        return plan.document(
            self.matrix,
            self.pair,
            lane,
            catalog,
            options=self.options,
            cases=cases,
            resolved_from=resolved,
            carry={name: str(Path(folder) / lane.name) for name, folder in self.carry.items()},
            needs=(needs := self.needs(lane, catalog).by_model(cases)),
            room=capacity.shared().figures,
            gpus=device.places(lane.device, alone=bool(needs)),
        )

    def _run_lane(self, environment: Environment, document: Document) -> None:
        records = self._records(document)
        before = len(record.read(records)) if records.is_file() else 0
        with tempdirs.folder() as folder:
            path = folder / "plan.json"
            path.write_text(json.dumps(document))
            # 1: cases failed, which is what the records are for. Which of them have one, the file says.
            environment.python(*self._pytest(document, path, folder), env=self._variables, success=(0, 1))
        runs = record.read(records) if records.is_file() else []
        without = set(runs[-1].missing if len(runs) > before else (case["case"] for case in document["cases"]))
        if left := [case for case in document["cases"] if case["case"] in without]:
            # So that no older record stands for a case that was wanted again.
            why = "pytest ended before this case; see above"
            placeholders.note_failure(records, {**document, "cases": left}, store.RUN, why)

    @property
    def _variables(self) -> Mapping[str, str]:
        return {**VARIABLES, **(ONLINE if self.options.from_hub else {})}

    def _pytest(self, document: Document, path: Path, folder: Path) -> list[str]:
        workers = device.workers(document["gpus"], self.options.workers)
        records = store.path_in(self.options.results.resolve(), self.pair.id, document["lane"])
        return [
            *(
                "-m",
                "pytest",
                str(ROOT / "tests" / "matrix"),
                "-p",
                package.module("cell.runtime.plugin"),
                "-p",
                "no:cacheprovider",
            ),
            *("-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT), "-qq", "--no-header", "--tb=no", "-r", "N"),
            *("--no-summary", "-W", "ignore", f"--timeout={self.matrix.limits.seconds}", "--timeout-method=signal"),
            *("--plan", str(path), "--records", str(records), "--scratch", str(folder), "--parent", str(os.getpid())),
            *("-n", str(workers), "--dist", "loadscope", "--no-loadscope-reorder"),
            # pytest-xdist would give up after four deaths a worker. Here each costs the case that caused it, which is
            # tried twice; and all workers may die once more before they have one.
            *("--max-worker-restart", str(2 * len(document["cases"]) + workers)),
        ]

    def _records(self, document: Document) -> Path:
        return store.path_in(self.options.results, self.pair.id, document["lane"])


def find_catalog(folders: Iterable[Path], timm: str, controls: Iterable[str]) -> Catalog | None:
    """The first of a timm release with all controls; None where there is none. Raises BadInput for one that is none."""
    for folder in dict.fromkeys(folders):
        try:
            found = catalogs.read(folder, timm)
        except ValueError as error:
            path = catalogs.path_in(folder, timm)
            raise BadInput(f"{path}: {error}; delete it, it is made again") from error
        if found is not None and set(controls) <= set(found.controls):
            return found
    return None


def _compared(locked: Lock | None, packages: Mapping[str, str]) -> str:
    """How the newest releases differ from the lock."""
    if locked is None:
        return "the newest releases; there is no lock to hold them against"
    different = locked.differences(packages)
    return f"the newest releases differ from the lock: {'; '.join(different)}" if different else "as in the lock"
