"""The environment of one pair: its lock, installing it, and making a catalog with its Python.

Callers pass in an `Environment`, so that nothing here depends on nox.
"""

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Final, Protocol

from ..config.errors import InstallationError
from ..config.matrix import Matrix
from ..config.options import LATEST
from ..config.pair import Pair
from ..contract import catalog as catalogs
from ..contract import package
from ..contract.catalog import Catalog
from ..contract.library_env import KEPT_BYTECODE, LIBRARIES
from ..contract.package import ROOT
from . import lock as locks
from . import pypi
from .lock import Lock

# The harness on the path, and none of the user's own pytest options.
VARIABLES: Final = {
    "PYTHONPATH": str(ROOT),
    "PYTHONSAFEPATH": "1",
    "PYTEST_ADDOPTS": "",
    **KEPT_BYTECODE,
    **LIBRARIES,
}
UNFINISHED: Final = ".unfinished"
"""The suffix of a catalog while it is being written."""

Say = Callable[[str], None]


class Environment(Protocol):
    """A virtual environment for one pair."""

    def install(self, requirements: Sequence[str], *, lock: Path | None, until: datetime | None) -> None:
        """Install from the lock; without a lock, resolve the requirements among releases up to `until`.

        Raises InstallationError, or BadInput for a release that does not exist.
        """

    def resolve(
        self, requirements: Sequence[str], resolved: Path, *, until: datetime | None, python: str | None = None
    ) -> Path:
        """Write the resolved requirements to a file; given `python`, for every platform and with hashes.

        Raises as `install` does.
        """

    def python(
        self, *arguments: str, env: Mapping[str, str], into: Path | None = None, success: Sequence[int] = (0,)
    ) -> bool:
        """Run the environment's Python, with standard output into `into`. Whether its exit code is in `success`."""


@dataclass(frozen=True)
class PairEnvironment:
    """How a pair is installed: from its lock, from releases up to a date, or with `latest` from the newest."""

    matrix: Matrix
    pair: Pair
    latest: bool = False

    @cached_property
    def lock(self) -> Lock | None:
        """The pair's lock, or None. Raises BadInput for a bad lock."""
        return locks.of(self.pair)

    @property
    def resolved_from(self) -> str | None:
        """The `lock` field of a run's header: the digest of the lock, `latest`, or None for a date."""
        return LATEST if self.latest else self.lock.digest if self.lock else None

    def install(self, environment: Environment, say: Say) -> None:
        """Install the pair with pytest, and check the installed versions. Raises as `Environment.install` does.

        Without a lock, releases count up to matrix.yaml's date, or up to the pair's own newest file if that is later.
        """
        say(f"{self.pair.id}: installing; the first torch {self.pair.torch} on this machine is a download of 3 GB")
        locked = None if self.latest else self.lock
        until = None if self.latest or locked else self._until(say)
        environment.install(locks.requirements(self.pair), lock=locked.path if locked else None, until=until)
        packages = self._packages(environment)
        if problems := locks.mismatches(self.pair, packages) + (locked.differences(packages) if locked else []):
            raise InstallationError(f"{'; '.join(problems)}; delete the environment's folder in .nox, and run again")
        if self.latest:
            say(f"{self.pair.id}: {_comparison(self.lock, packages)}")

    def make_lock(self, environment: Environment, folder: Path, say: Say) -> None:
        """Resolve the pair and write its lock, for every platform and with hashes.

        A pair with a development version gets none. Raises as `Environment.install` does.
        """
        if self.pair.sources:
            say(f"{self.pair.id}: no lock written: the pair contains a development version")
            return
        until = self._until(say)
        with tempfile.TemporaryDirectory() as draft:
            requirements, resolved = locks.requirements(self.pair), Path(draft) / "resolved.txt"
            environment.resolve(requirements, resolved, until=until, python=self.pair.python)
            text = locks.text(self.pair, resolved.read_text(), f"{until or pypi.today():%Y-%m-%d}")
        path = locks.path_in(folder, self.pair.id)
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

    def _packages(self, environment: Environment) -> Mapping[str, str]:
        """The version of each installed package, by name."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "packages.json"
            if not environment.python("-m", package.module("cell.runtime.packages"), env=VARIABLES, into=path):
                raise InstallationError("the installed packages could not be listed; see above")
            packages: Mapping[str, str] = json.loads(path.read_text())
            return packages

    def make_catalog(self, environment: Environment, folder: Path, only: Sequence[str] = ()) -> Catalog:
        """Catalogue the models of the installed timm, which takes minutes; with `only`, those of its globs in seconds.

        Raises InstallationError if that fails.
        """
        path = catalogs.path_in(folder, self.pair.timm)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(UNFINISHED)
        module = package.module("cell.models.catalog_builder")
        globs = ("--only", *only) if only else ()
        arguments = ("-m", module, "--controls", *self.matrix.models.controls, *globs)
        if not environment.python(*arguments, env=VARIABLES, into=unfinished):
            raise InstallationError(f"the catalog of timm {self.pair.timm} could not be made; see above")
        catalog = catalogs.loads(unfinished.read_text())
        unfinished.rename(path)
        return catalog


def _comparison(locked: Lock | None, packages: Mapping[str, str]) -> str:
    """How the newest releases differ from the lock."""
    if locked is None:
        return "the newest releases; the pair has no lock to compare them with"
    different = locked.differences(packages)
    return f"the newest releases differ from the lock: {'; '.join(different)}" if different else "as in the lock"
