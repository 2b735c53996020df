"""The child processes of a process, as Linux lists them. Standard library only: both sides of the wall use it."""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
PR_SET_CHILD_SUBREAPER: Final = 36
ROUNDS: Final = 50  # attempts to end processes that start others meanwhile


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


def adopt_orphans() -> None:
    """Have Linux make this process the parent of every descendant whose own parent ends: none gets away unseen."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def helpers() -> set[int]:
    """The processes that Python itself started beside this one, and that live as long as it does."""
    tracker = getattr(sys.modules.get("multiprocessing.resource_tracker"), "_resource_tracker", None)
    server = getattr(sys.modules.get("multiprocessing.forkserver"), "_forkserver", None)
    ids = {getattr(tracker, "_pid", None), getattr(server, "_forkserver_pid", None)}
    return {pid for pid in ids if isinstance(pid, int)}


def end_descendants(kept: Collection[int] = ()) -> int:
    """Kill all descendants of this process but those in `kept` and Python's helpers; how many there were.

    A process in `kept` keeps its own children, too.
    """
    ended: set[int] = set()
    for _ in range(ROUNDS):  # until none is left: a process may start another while it is killed
        spared = {*kept, *helpers()}
        found = [pid for child in children(os.getpid()) if child not in spared for pid in (child, *descendants(child))]
        if not found:
            break
        ended |= set(found)
        end_all(found)
    return len(ended)


def end_all(pids: Iterable[int]) -> None:
    """Kill processes, and wait for those that are children of this one."""
    killed = []
    for pid in pids:
        with suppress(OSError):  # ended meanwhile
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)
    for pid in killed:
        with suppress(OSError):  # of another parent, or waited for already
            deadline = time.monotonic() + 1
            while os.waitpid(pid, os.WNOHANG) == (0, 0) and time.monotonic() < deadline:
                time.sleep(0.001)


def with_variable(name: str, value: str) -> list[int]:
    """The ids of this user's processes, other than this one, that were started with an environment variable."""
    wanted, pids = f"{name}={value}".encode(), []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # ended meanwhile, or of another user
            if path.stat().st_uid == os.getuid() and wanted in path.read_bytes().split(b"\0"):
                pids.append(int(path.parent.name))
    return [pid for pid in pids if pid != os.getpid()]
