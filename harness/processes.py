"""The processes that a process has started, as Linux lists them. Standard library only: both sides of the wall ask."""

import os
from collections.abc import Iterator
from contextlib import suppress


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
