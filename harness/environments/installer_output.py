"""The error behind an installer's output: no such release, no solution, or an installation that failed."""

import contextlib
import os
import re
import signal
import threading
from collections.abc import Iterator
from typing import Final

from ..config.errors import BadInput, HarnessError, InstallationError, NoRelease, NoSolution
from ..contract.processes import children

UNKNOWN: Final = (
    re.compile(r"there is no version of (?P<release>\S+==\S+)"),  # uv
    re.compile(r"does not satisfy Python\S+ and (?P<release>\S+==\S+) depends on Python"),
    # pip; without a connection it prints the same with "(from versions: none)"
    re.compile(r"\(from versions: (?!none\))[^)]*\) ERROR: No matching distribution found for (?P<release>\S+)"),
)
CONTRADICTION: Final = (
    re.compile(r"No solution found when resolving dependencies:?(?: cause:| ╰─▶)? (?P<why>.*?)(?: hint: .*)?$"),  # uv
    re.compile(r"(?P<why>Cannot install .* because these package versions have conflicting dependencies\.)"),  # pip
)
UNCERTAIN: Final = re.compile(r"was not found in the|were unavailable because|exclude-newer|\bplatform\b")
"""uv has no solution either where an index or the network is missing, at an earlier day, and for another machine."""
LAST: Final = 8  # lines of an error: uv reports a hash mismatch in seven


@contextlib.contextmanager
def within(seconds: int | None) -> Iterator[None]:
    """Terminate the child processes after `seconds`. Raises InstallationError if the block failed because of that."""
    late = threading.Event()

    def stop() -> None:
        late.set()
        for child in children(os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)

    timer = threading.Timer(seconds or 0, stop)
    timer.daemon = True
    if seconds:
        timer.start()
    try:
        yield
    except Exception as error:
        if not late.is_set():
            raise
        raise InstallationError(f"it took longer than limits.install_seconds: {seconds}") from error
    finally:
        timer.cancel()


def failure(pair: str, output: str) -> HarnessError:
    """The error that an installer's output describes.

    NoRelease for an unknown release, NoSolution where it is certain that there is none, else InstallationError.
    """
    text = " ".join(output.split())
    for pattern in UNKNOWN:
        if unknown := pattern.search(text):
            release = unknown["release"].rstrip(",;.")
            certain = BadInput if UNCERTAIN.search(text) else NoRelease
            return certain(f"{pair}: there is no release {release} for this Python; PyPI lists those that exist")
    for pattern in CONTRADICTION:
        if (found := pattern.search(text)) and not UNCERTAIN.search(text):
            return NoSolution(f"no installer finds releases of all that it requires: {found['why']}")
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return InstallationError("; ".join(lines[-LAST:]) or "no output")
