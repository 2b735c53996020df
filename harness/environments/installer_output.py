"""What an installer's last words mean: a release that does not exist, or a machine that could not install it."""

import contextlib
import os
import re
import signal
import threading
from collections.abc import Iterator
from typing import Final

from ..config.errors import BadInput, HarnessError, InstallationError
from ..contract.processes import children

UNKNOWN: Final = (
    re.compile(r"there is no version of (?P<what>\S+==\S+)"),  # uv
    re.compile(r"does not satisfy Python\S+ and (?P<what>\S+==\S+) depends on Python"),
    # pip, which says the same with "(from versions: none)" where it reaches no index at all
    re.compile(r"\(from versions: (?!none\))[^)]*\) ERROR: No matching distribution found for (?P<what>\S+)"),
)
LAST: Final = 8  # lines: uv takes seven to say whose hash it is that does not match


@contextlib.contextmanager
def within(seconds: int | None) -> Iterator[None]:
    """Stop the processes that this one has started once time is up. Raises InstallationError where that was needed."""
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
    """The error that an installer's output amounts to."""
    text = " ".join(output.split())
    for pattern in UNKNOWN:
        if found := pattern.search(text):
            what = found["what"].rstrip(",;.")
            return BadInput(
                f"{pair}: there is no release {what} for this Python; see its history on PyPI for those there are"
            )
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return InstallationError("; ".join(lines[-LAST:]) or "no output")
