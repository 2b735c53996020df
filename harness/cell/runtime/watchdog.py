"""Kills, from outside, the process of a case that exceeds its limits.

pytest-timeout interrupts Python; native code that hangs or fills memory has to be stopped from another process. The
limit is on resident memory, for a limit on address space would break memory-mapped weights and CUDA. Pages mapped from
a file do not count, for the system can reclaim them.
"""

import contextlib
import os
import signal
import threading
import time
from pathlib import Path
from typing import Final

from ...contract.case import Case, Outcome
from ...contract.plan import Limits
from ...contract.processes import descendants, end_descendants
from . import heartbeat
from .heartbeat import Task

EVERY: Final = 0.5  # seconds between two checks
GRACE: Final = 10.0  # seconds for pytest-timeout to end a case first
GIB: Final = 2**30
HELD: Final = frozenset({"RssAnon", "RssShmem"})
KIB: Final = 2**10
BLOCK: Final = 512  # bytes, whatever the file system


class Watchdog(threading.Thread):
    """Checks the running cases of all workers until it is closed.

    `ends` holds outcome and reason of the cases whose process it killed; `most` the peak memory and disk of each case,
    in bytes.
    """

    def __init__(self, folder: Path, limits: Limits) -> None:
        super().__init__(name="watchdog", daemon=True)
        self.folder = folder
        self.limits = limits
        self.ends: dict[str, tuple[Outcome, str]] = {}
        self.most: dict[str, tuple[int, int]] = {}
        self._closed = threading.Event()
        self.workers = Workers()

    def run(self) -> None:
        """Check until closed."""
        while not self._closed.wait(EVERY):
            self.workers.end_orphans()
            for worker, task in heartbeat.tasks(self.folder).items():
                if task.case not in self.ends and self._excess(task):
                    self._end(worker, task)

    def close(self) -> None:
        """Stop the thread and wait for its end."""
        self._closed.set()
        if self.is_alive():
            self.join()

    def _end(self, worker: str, task: Task) -> None:
        """Kill the process, unless it has gone on to another case. It is stopped while that is checked."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(task.pid, signal.SIGSTOP)
            excess = self._excess(task)
            if excess and heartbeat.tasks(self.folder).get(worker) == task:
                self.ends[task.case] = excess
                os.kill(task.pid, signal.SIGKILL)
            else:
                os.kill(task.pid, signal.SIGCONT)

    def _excess(self, task: Task) -> tuple[Outcome, str] | None:
        """The outcome and reason of a case that exceeds its limits; None if it is within them."""
        limit, longest = self.limits.time_limit(Case.parse(task.case))
        seconds = time.monotonic() - task.since
        if seconds > longest + GRACE:
            return Outcome.TIMEOUT, f"its process was killed after {seconds:.0f} s; limits.{limit} is {longest}"
        memory, disk = held(task.pid), size_of(heartbeat.checkpoints(self.folder, task.pid))
        before = self.most.get(task.case, (0, 0))
        self.most[task.case] = max(memory, before[0]), max(disk, before[1])
        most = self.limits.memory_gib
        if most is not None and memory > most * GIB:
            reason = f"its process was killed when it held {memory / GIB:.1f} GiB; limits.memory_gib is {most:g}"
            return Outcome.OUT_OF_MEMORY, reason
        most = self.limits.disk_gib
        if most is not None and disk > most * GIB:
            reason = f"its process was killed when its files took {disk / GIB:.1f} GiB; limits.disk_gib is {most:g}"
            return Outcome.CRASHED, reason
        return None


class Workers:
    """The processes of pytest-xdist's workers. All other children of the controller were left by a dead worker."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._starting: int | None = None  # None: not known yet how many there will be
        self._pids: set[int] = set()

    def expect(self, more: int) -> None:
        """Spare all children, until so many more workers are known."""
        with self._lock:
            self._starting = (self._starting or 0) + more

    def started(self, pid: int) -> None:
        """Note a worker's process."""
        with self._lock:
            self._pids.add(pid)
            self._starting = (self._starting or 0) - 1

    def end_orphans(self) -> None:
        """Kill what dead workers left. It may hold a worker's pipe open, so that nobody would hear of the death."""
        with self._lock:
            if self._starting == 0:
                end_descendants(self._pids)


def held(pid: int) -> int:
    """Bytes of memory that a process and its descendants hold; 0 if it is gone."""
    return sum(_held(process) for process in (pid, *descendants(pid)))


def size_of(folder: Path) -> int:
    """Bytes that a folder takes on the disk; 0 if it is gone."""
    size = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # gone meanwhile
                size += os.lstat(Path(parent) / name).st_blocks * BLOCK
    return size


def _held(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    fields = dict(line.partition(":")[::2] for line in lines)
    return sum(int(fields[name].split()[0]) * KIB for name in HELD & fields.keys())
