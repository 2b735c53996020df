"""What a user can mend. Anything that is not a HarnessError is a bug and keeps its traceback."""


class HarnessError(Exception):
    """The root; the message names the place and the remedy."""

    exit_code: int


class BadInput(HarnessError):
    """A command, matrix.yaml or an environment that cannot be used as given."""

    exit_code = 2

    @classmethod
    def from_problems(cls, problems: list[str]) -> "BadInput":
        """All problems at once, one a line."""
        return cls("\n".join(problems))


class NothingSelected(HarnessError):
    """The selection is valid and holds no case: empty is never green."""

    exit_code = 3
