"""Measures what a piece of work costs this process: CPU time, and memory that no file backs."""

import contextlib
import gc
import time
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, TypeVar

from . import memory

ANONYMOUS: Final = "RssAnon:"
Result = TypeVar("Result")


class Cost(NamedTuple):
    """Seconds, and MiB by which anonymous memory grew; None where the system does not report it."""

    seconds: float
    mib: float | None

    def least(self, other: "Cost") -> "Cost":
        """The smaller of two measurements, each figure by itself."""
        known = [mib for mib in (self.mib, other.mib) if mib is not None]
        return Cost(min(self.seconds, other.seconds), min(known, default=None))


def measured(work: Callable[[], Result], *, with_garbage: bool = True) -> tuple[Result, Cost]:
    """The result of `work` and its cost; what it returns must still be held when memory is read.

    The seconds are CPU time of all threads or time by the clock, whichever is less: CPU time does not count other
    processes, and the clock does not count threads that wait for each other by spinning. The memory includes garbage
    in cycles that the work leaves, unless that is to be collected, which takes longer.
    """
    if not with_garbage:
        gc.collect()
    memory.return_freed()  # memory freed earlier would be used again, and hide what the work takes
    with _uncollected():
        before, clock, cpu = anonymous_mib(), time.perf_counter(), time.process_time()
        result = work()
        seconds = min(time.process_time() - cpu, time.perf_counter() - clock)
        if not with_garbage:
            gc.collect()
        memory.return_freed()
        after = anonymous_mib()
    return result, Cost(seconds, None if before is None or after is None else after - before)


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Garbage in cycles, of a model that was saved before, would be freed meanwhile, and hide what the work takes."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def anonymous_mib() -> float | None:
    """Resident memory of this process without mapped files, in MiB; None where the system does not report it."""
    with contextlib.suppress(OSError):
        for line in memory.STATUS.read_text().splitlines():
            if line.startswith(ANONYMOUS):
                return int(line.split()[1]) / memory.KIB_A_MIB
    return None
