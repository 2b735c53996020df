"""Waiting for processes that a test has started or ended."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

LONG: Final = 30.0  # seconds


def runs(pid: int) -> bool:
    """Whether a process does anything; one that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False


def until(holds: Callable[[], bool], seconds: float = LONG) -> None:
    """Wait until something holds. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.05)
