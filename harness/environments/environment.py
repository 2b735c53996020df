"""What installs an environment and runs its Python, as the package sees it. Here nox's session is one."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .pair_environment import PairEnvironment

Say = Callable[[str], None]


class Environment(Protocol):
    """An installer, and a way to run the Pythons of what it installed."""

    @property
    def root(self) -> Path:
        """The folder in which each pair has a folder for its environment."""

    def resolve(
        self, requirements: Sequence[str], resolved: Path, *, until: datetime | None, python: str, everywhere: bool
    ) -> Path:
        """Resolve requirements among releases up to `until` and write them to a file; `everywhere`: for all platforms.

        Raises InstallationError, or BadInput for a release that does not exist.
        """

    def has_cached(self, requirement: str, python: str) -> bool:
        """Whether the installer has it, and need not fetch it; False if it cannot tell."""

    def create(self, folder: Path, requirements: Sequence[str], *, resolved: Path, python: str, locked: bool) -> None:
        """Make a virtual environment with this Python, and install what is resolved; from a lock, by its hashes.

        Raises as `resolve` does.
        """

    def make_ahead(self, wanted: Sequence["PairEnvironment"]) -> None:
        """Begin to make environments that are needed next, beside what runs. Raises nothing, and makes what it can."""

    def python(
        self,
        interpreter: Path,
        /,
        *arguments: str,
        env: Mapping[str, str],
        into: Path | None = None,
        success: Sequence[int] = (0,),
    ) -> bool:
        """Run a Python, with standard output into `into`. Whether its exit code is in `success`."""
