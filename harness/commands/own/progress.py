"""What `upgrade --own` prints while it works."""

import re
from typing import Final

from ...environments import uv

BROKEN: Final = re.compile(r", [1-9]\d* broken\b")


class Progress:
    """Prints lines on standard error, and none that is empty.

    The lines of a run wait from its first broken case on, until something else is said: a target that gives no model
    is no broken model, and then they are dropped.
    """

    def __init__(self) -> None:
        """Nothing waits."""
        self.waiting: list[str] = []

    def say(self, text: str) -> None:
        """Print a line, after those that wait."""
        self.flush()
        _print(text)

    def of_run(self, line: str) -> None:
        """Print a line of a run, or let it wait."""
        if self.waiting or BROKEN.search(line):
            self.waiting.append(line)
        else:
            _print(line)

    def flush(self) -> None:
        """Print what waits."""
        for line in self.waiting:
            _print(line)
        self.drop()

    def drop(self) -> None:
        """Forget what waits."""
        self.waiting.clear()


def _print(text: str) -> None:
    if text.strip():
        uv.say(text)
