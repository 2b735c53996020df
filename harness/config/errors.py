"""Errors that a user can fix, and exit codes. Any exception but a HarnessError is a bug and keeps its traceback."""

from enum import IntEnum
from pathlib import Path
from typing import Final

from ..contract import finding

MOST_PROBLEMS: Final = 50
"""Lines that a person still reads."""


class ExitCode(IntEnum):
    """The exit code of a command: the first that applies of BAD_INPUT, NOTHING_SELECTED, CHANGED, INCOMPLETE."""

    AS_EXPECTED = 0
    CHANGED = 1  # regressed or fixed; also nox's own code for a session that failed
    BAD_INPUT = 2
    NOTHING_SELECTED = 3
    INCOMPLETE = 4


class HarnessError(Exception):
    """An error that a user can fix. The message names the location and the remedy."""

    exit_code: ExitCode

    def __init__(self, message: str) -> None:
        """`message` may repeat what somebody else wrote; nothing in it moves a cursor."""
        super().__init__(finding.message(message))


class BadInput(HarnessError):
    """A command, matrix.yaml or a file that cannot be used."""

    exit_code = ExitCode.BAD_INPUT

    @classmethod
    def from_problems(cls, problems: list[str]) -> "BadInput":
        """All problems at once, one a line; of very many the first."""
        left = len(problems) - MOST_PROBLEMS
        more = [f"and {left:,} more like these; mend the first, and ask again"] if left > 0 else []
        return cls("\n".join([*problems[:MOST_PROBLEMS], *more]))


class NoRelease(BadInput):
    """A release that does not exist, or has nothing for a pair's Python."""


class NoCompanion(BadInput):
    """A companion without a release for a pair: for its day, its Python, or its other packages."""


class NothingSelected(HarnessError):
    """A valid selection without cases: empty is never green."""

    exit_code = ExitCode.NOTHING_SELECTED


class Incomplete(HarnessError):
    """Something that this machine could not do, so that results are missing."""

    exit_code = ExitCode.INCOMPLETE


class InstallationError(Incomplete):
    """A pair that could not be installed, with the end of the installer's output."""

    step = "environment"
    """The value of `failed` in the `end` line of a run that this kept from its cases."""


class NoSolution(InstallationError):
    """A pair that no installer can install: what it requires contradicts itself, or the pair's Python."""


class CannotImport(InstallationError):
    """A pair that is installed, and of which something cannot be imported."""

    step = "import"


class CannotRecord(Incomplete):
    """A file of records that cannot be written, as on a full disk: nothing that runs would have a result."""

    @classmethod
    def of(cls, path: Path, error: OSError) -> "CannotRecord":
        """The error with the file's path."""
        return cls(f"{path}: {error.strerror}; nothing can be recorded there, so the run stops")
