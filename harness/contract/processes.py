"""The processes that a process has started, as Linux lists them. Standard library only: both sides of the wall ask."""

import ctypes
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h


def children(pid: int) -> list[int]:
    """The ids of those that it started itself; none for a process that is gone, or goes meanwhile."""
    found: list[int] = []
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - a glob raises where the process goes meanwhile
            with suppress(OSError), open(f"/proc/{pid}/task/{thread}/children") as file:  # noqa: PTH123 - as above
                found += map(int, file.read().split())
    return found


def descendants(pid: int) -> Iterator[int]:
    """The same, and those that these have started in turn."""
    for child in children(pid):
        yield child
        yield from descendants(child)


def die_with(parent: int) -> None:
    """Have Linux kill this process with the one that started it, at once where that is gone already.

    An orphan would go on working beside what comes next.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the line above
        os.kill(os.getpid(), signal.SIGKILL)
