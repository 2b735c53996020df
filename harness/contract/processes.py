"""The child processes of a process, as Linux lists them. Standard library only: both sides of the wall use it."""

import ctypes
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h


def children(pid: int) -> list[int]:
    """The ids of a process's children; none for a process that has ended, or ends meanwhile."""
    ids: list[int] = []
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - a glob raises if the process ends meanwhile
            with suppress(OSError), open(f"/proc/{pid}/task/{thread}/children") as file:  # noqa: PTH123 - as above
                ids += map(int, file.read().split())
    return ids


def descendants(pid: int) -> Iterator[int]:
    """The ids of a process's children, and of theirs in turn."""
    for child in children(pid):
        yield child
        yield from descendants(child)


def die_with(parent: int) -> None:
    """Have Linux kill this process when its parent ends, at once if it has ended already.

    An orphan would go on working beside the next run.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # the parent ended before the line above
        os.kill(os.getpid(), signal.SIGKILL)
