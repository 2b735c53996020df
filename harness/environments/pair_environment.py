"""The environment of one pair: what it is made of, installing it, and what is asked of its Python.

What makes environments and starts processes is handed in, so that nothing here depends on nox.
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

# The harness on the path, and no options of pytest's that a user has set.
VARIABLES: Final = {
    "PYTHONPATH": str(ROOT),
    "PYTHONSAFEPATH": "1",
    "PYTEST_ADDOPTS": "",
    **KEPT_BYTECODE,
    **LIBRARIES,
}
UNFINISHED: Final = ".unfinished"
"""The suffix of a catalog that is being made."""

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
class PairEnvironment:
    """What the environment of a pair is made of: its lock, or releases up to a date, or with `latest` the newest."""

    matrix: Matrix
    pair: Pair
    latest: bool = False

    @cached_property
    def lock(self) -> Lock | None:
        """The pair's lock; None where it has none. Raises BadInput for a bad one."""
        return locks.of(self.pair)

    @property
    def resolved_from(self) -> str | None:
        """What a run's header says of its environment: the digest of the lock, `latest`, or null for a date."""
        return LATEST if self.latest else self.lock.digest if self.lock else None

    def install(self, environment: Environment, say: Say) -> None:
        """Install the pair and what runs its cases, and look whether it is that. Raises as `Environment.install` does.

        Locked, or resolved as of matrix.yaml's date or of the pair's own newest release, or of today.
        """
        say(f"{self.pair.id}: installing; the first torch {self.pair.torch} on this machine is a download of 3 GB")
        locked = None if self.latest else self.lock
        until = None if self.latest or locked else self._until(say)
        environment.install(locks.requirements(self.pair), lock=locked.path if locked else None, until=until)
        packages = self._packages(environment)
        if wrong := locks.wrong(self.pair, packages) + (locked.differences(packages) if locked else []):
            raise InstallationError(f"{'; '.join(wrong)}; delete the environment's folder in .nox, it is made again")
        if self.latest:
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

    def make_catalog(self, environment: Environment, folder: Path, only: Sequence[str] = ()) -> Catalog:
        """Find the models of the installed timm, minutes of work; with `only` those of these globs, in seconds.

        Raises InstallationError where that fails.
        """
        path = catalogs.path_in(folder, self.pair.timm)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(UNFINISHED)
        module = package.module("cell.models.catalog_builder")
        named = ("--only", *only) if only else ()
        arguments = ("-m", module, "--controls", *self.matrix.models.controls, *named)
        if not environment.python(*arguments, env=VARIABLES, into=unfinished):
            raise InstallationError(f"the catalog of timm {self.pair.timm} could not be made; see above")
        catalog = catalogs.loads(unfinished.read_text())
        unfinished.rename(path)
        return catalog


def _compared(locked: Lock | None, packages: Mapping[str, str]) -> str:
    """How the newest releases differ from the lock."""
    if locked is None:
        return "the newest releases; there is no lock to hold them against"
    different = locked.differences(packages)
    return f"the newest releases differ from the lock: {'; '.join(different)}" if different else "as in the lock"
