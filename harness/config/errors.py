"""What a user can mend, and how commands end. Anything else than a HarnessError is a bug and keeps its traceback."""

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ends. The first that applies of BAD_INPUT, NOTHING_SELECTED, CHANGED, INCOMPLETE."""

    AS_EXPECTED = 0
    CHANGED = 1  # regressed or fixed; also nox's own code for a session that failed
    BAD_INPUT = 2
    NOTHING_SELECTED = 3
    INCOMPLETE = 4


class HarnessError(Exception):
    """The root; the message names the place and the remedy."""

    exit_code: ExitCode


class BadInput(HarnessError):
    """A command, matrix.yaml or an environment that cannot be used as given."""

    exit_code = ExitCode.BAD_INPUT

    @classmethod
    def from_problems(cls, problems: list[str]) -> "BadInput":
        """All problems at once, one a line."""
        return cls("\n".join(problems))


class NothingSelected(HarnessError):
    """The selection is valid and holds no case: empty is never green."""

    exit_code = ExitCode.NOTHING_SELECTED


class InstallationError(HarnessError):
    """A pair that could not be installed, with the installer's last words."""

    exit_code = ExitCode.INCOMPLETE
