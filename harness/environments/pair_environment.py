"""The environment of one pair: its lock, installing and verifying it, and making a catalog with its Python.

Callers pass in an `Environment`, so that nothing here depends on nox.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Final

from ..config.errors import CannotImport, InstallationError
from ..config.matrix import Matrix
from ..config.options import LATEST
from ..config.pair import Pair
from ..config.whole_file import UNFINISHED
from ..contract import catalog as catalogs
from ..contract import fingerprints, package, tempdirs
from ..contract.catalog import Catalog
from ..contract.fingerprints import Fingerprints
from ..contract.library_env import KEPT_BYTECODE, LIBRARIES
from ..contract.package import ROOT
from . import companions, pair_folder, pypi
from . import lock as locks
from .environment import Environment, Say
from .lock import Lock
from .pair_folder import PairFolder
from .verification import Installed, in_words

# The harness on the path, and none of the user's own pytest options.
VARIABLES: Final = {
    "PYTHONPATH": str(ROOT),
    "PYTHONSAFEPATH": "1",
    "PYTEST_ADDOPTS": "",
    **KEPT_BYTECODE,
    **LIBRARIES,
}
WAITING: Final = "waiting for another process that installs it"
IN_USE: Final = "another run uses this environment: wait for its end, and run again"
CHANGED_IN_CACHE: Final = (
    "the installer's cache holds changed files: remove the package there (uv cache clean NAME), and run again"
)


@dataclass(frozen=True)
class PairPython:
    """The Python of a pair's environment, which is held as long as this is used."""

    folder: PairFolder
    environment: Environment

    def problems(self) -> list[str]:
        """How the environment differs from what was installed in it; empty if it does not. Takes half a second."""
        installed = Installed(self.folder.path)
        gone = [] if self.folder.interpreter.exists() else [f"{self.folder.interpreter} is not there"]
        return [*gone, *installed.differences(self.folder.packages), *installed.problems()]

    def run(
        self, *arguments: str, env: Mapping[str, str], into: Path | None = None, success: Sequence[int] = (0,)
    ) -> bool:
        """Run it, with standard output into `into`. Whether its exit code is in `success`."""
        return self.environment.python(self.folder.interpreter, *arguments, env=env, into=into, success=success)

    def import_problem(self) -> str | None:
        """What of the pair cannot be imported, and why; None if everything can. Takes a few seconds."""
        with tempdirs.folder() as folder:
            said = folder / "problem.txt"
            said.touch()  # what cannot be run says nothing
            importing = package.module("cell.guards.importing")
            self.run("-W", "ignore", "-m", importing, env=VARIABLES, into=said)
            return said.read_text() or None


@dataclass(frozen=True)
class PairEnvironment:
    """How a pair is installed: from its lock, from releases up to a date, or with `latest` from the newest."""

    matrix: Matrix
    pair: Pair
    latest: bool = False
    companions: bool = False
    """Whether what some routes need beside the pair is installed too, as it was when the pair's last file appeared."""
    also: tuple[str, ...] = ()
    """Further requirements; those are left out that the pair brings itself."""

    @property
    def name(self) -> str:
        """The pair's id, with a suffix where it has companions."""
        return locks.name_of(self.pair, companions=self.companions)

    @cached_property
    def lock(self) -> Lock | None:
        """The environment's lock, or None. Raises BadInput for a bad lock."""
        return locks.of(self.pair, companions=self.companions)

    @property
    def resolved_from(self) -> str | None:
        """The `lock` field of a run's header: the digest of the lock, `latest`, or None for a date."""
        return LATEST if self.latest else self.lock.digest if self.lock else None

    def is_in(self, root: Path) -> bool:
        """Whether it is complete in a folder of environments; False where only an installer knows what it would be."""
        if self.latest or self.also or self.lock is None:
            return False
        return PairFolder.of(root, self.name, self.pair.python, self.lock.path.read_text()).is_complete

    @contextlib.contextmanager
    def installed(self, environment: Environment, say: Say) -> Iterator[PairPython]:
        """The pair with pytest in an environment of its own, installed if it is not there, verified, and held.

        Without a lock, releases count up to matrix.yaml's date, or up to the pair's own newest file if that is later.
        Raises as `Environment.create` does, and NoCompanion for a companion without a release for the pair.
        """
        with pair_folder.draft(environment.root) as draft:
            locked = None if self.latest else self.lock
            resolved = locked.path if locked else self._resolved(environment, draft / "resolved.txt", say)
            if self.also:
                resolved, locked = self._with_others(environment, resolved, draft / "with-others.txt"), None
            folder = PairFolder.of(environment.root, self.name, self.pair.python, resolved.read_text())
            make = partial(self._make, environment, folder, resolved, locked, say)
            while True:
                with folder.held(make, partial(say, f"{self.name}: {WAITING}")):
                    python = PairPython(folder, environment)
                    if not (problems := python.problems()):
                        if self.latest:
                            say(f"{self.name}: {_comparison(self.lock, Installed(folder.path).versions)}")
                        yield python
                        return
                say(f"{self.name}: {in_words(problems)}; installing it again")
                if not folder.make_again(make):
                    raise InstallationError(f"{in_words(problems)}; {IN_USE}")

    def _resolved(self, environment: Environment, path: Path, say: Say) -> Path:
        until, wanted = None if self.latest else self._until(say), self._wanted()
        with companions.refused(self.pair) if self.companions else contextlib.nullcontext():
            return environment.resolve(wanted, path, until=until, python=self.pair.python, everywhere=False)

    def _with_others(self, environment: Environment, resolved: Path, path: Path) -> Path:
        """What the pair comes to, and then the others."""
        others = locks.not_in(resolved.read_text(), self.also)
        wanted = (f"-r {resolved}", *others)
        return environment.resolve(wanted, path, until=None, python=self.pair.python, everywhere=False)

    def _wanted(self) -> tuple[str, ...]:
        """The requirements to resolve. Raises NoCompanion for a companion without a release for the pair."""
        return locks.requirements(
            self.pair, companions.releases(self.pair, latest=self.latest) if self.companions else ()
        )

    def _make(self, environment: Environment, folder: PairFolder, resolved: Path, lock: Lock | None, say: Say) -> None:
        """Make the environment, verify it, and mark it as complete."""
        there = any(folder.path.parent.glob(f"*/lib/python*/site-packages/torch-{self.pair.torch}*.dist-info"))
        there = there or environment.has_cached(self.pair.pin("torch"), self.pair.python)
        first = "" if there else f"; the first torch {self.pair.torch} on this machine is a download of 3 GB"
        say(f"{self.name}: installing{first}")
        for name in pair_folder.make_room(folder.path.parent):
            say(f"{name}: removed, for it was not used")
        environment.create(
            folder.path,
            locks.requirements(self.pair, companions.NAMES if self.companions else ()),
            resolved=resolved,
            python=self.pair.python,
            locked=lock is not None,
        )
        installed = Installed(folder.path)
        versions = {**installed.versions, "python": installed.python}
        problems = locks.mismatches(self.pair, versions) + (lock.differences(versions) if lock else [])
        if problems:
            raise InstallationError("; ".join(problems))
        if problems := installed.problems():
            raise InstallationError(f"{in_words(problems)}; {CHANGED_IN_CACHE}")
        folder.complete(self.pair.id, versions)

    def make_lock(self, environment: Environment, folder: Path, say: Say) -> None:
        """Resolve the pair and write its lock, for every platform and with hashes.

        A pair with a development version gets none. Raises as `Environment.resolve` does.
        """
        if self.pair.sources:
            say(f"{self.pair.id}: no lock written: the pair contains a development version")
            return
        until = self._until(say)
        with pair_folder.draft(environment.root) as draft:
            requirements, resolved = self._wanted(), draft / "resolved.txt"
            environment.resolve(requirements, resolved, until=until, python=self.pair.python, everywhere=True)
            text = locks.text(self.pair, resolved.read_text(), f"{until or pypi.today():%Y-%m-%d}")
        path = locks.path_in(folder, self.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        say(f"{path}: {len(Lock.read(path).pins)} packages")

    def _until(self, say: Say) -> datetime | None:
        """The moment up to which releases count; None if the matrix has no date."""
        if self.matrix.as_of is None:
            return None
        if self.pair.sources:  # a branch may need releases of today
            return pypi.end_of(pypi.today())
        try:
            return pypi.moment_of(self.pair.requirements(), self.matrix.as_of)
        except OSError as error:
            say(f"{self.pair.id}: PyPI did not answer, so releases count up to {self.matrix.as_of}: {error}")
            return pypi.end_of(self.matrix.as_of)

    def make_catalog(self, python: PairPython, folder: Path, only: Sequence[str] = ()) -> Catalog:
        """Catalogue the models of the installed timm, which takes minutes; with `only`, those of its globs in seconds.

        Raises InstallationError if that fails.
        """
        path = catalogs.path_in(folder, self.pair.timm)
        globs = ("--only", *only) if only else ()
        arguments = ("cell.catalog.builder", "--controls", *self.matrix.models.controls, *globs)
        with self._made(python, path, "the catalog", arguments) as text:
            return catalogs.loads(text)

    def make_fingerprints(self, python: PairPython, folder: Path, described: Path) -> Fingerprints:
        """Write down what the installed timm computes for quick models, which takes a few minutes. Raises as above.

        `described` is the folder of its catalog and of older ones.
        """
        path = catalogs.path_in(folder, self.pair.timm)
        arguments = ("cell.probes.builder", "--catalogs", *map(str, fingerprints.paths(self.pair.timm, described)))
        with self._made(python, path, "the file of fingerprints", arguments) as text:
            return fingerprints.loads(text)

    @contextlib.contextmanager
    def _made(self, python: PairPython, path: Path, what: str, arguments: Sequence[str]) -> Iterator[str]:
        """What a module of the package prints, which becomes the file `path` unless it turns out to be unreadable."""
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(UNFINISHED)
        module, *rest = arguments
        if not python.run("-m", package.module(module), *rest, env=VARIABLES, into=unfinished):
            if problem := python.import_problem():
                raise CannotImport(problem)
            raise InstallationError(f"{what} of timm {self.pair.timm} could not be made; see above")
        yield unfinished.read_text()
        unfinished.rename(path)


def _comparison(locked: Lock | None, packages: Mapping[str, str]) -> str:
    """How the newest releases differ from the lock."""
    if locked is None:
        return "the newest releases; the pair has no lock to compare them with"
    different = locked.differences(packages)
    return f"the newest releases differ from the lock: {'; '.join(different)}" if different else "as in the lock"
