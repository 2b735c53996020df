"""A memory and disk budget shared by the workers of a run. A worker blocks until its model fits into what is left.

Standard library only. A share is a locked file, and the system unlocks the files of a process that dies.
"""

import fcntl
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Final

EVERY: Final = 0.2  # seconds between two attempts
SHARE: Final = ".share"
LOCK: Final = "lock"


class MemoryBudget:
    """One worker's share of the budget. `total` is the memory and disk that all workers in the folder may use."""

    def __init__(self, folder: Path, worker: str, total: Sequence[float]) -> None:
        self.folder, self.total = folder, total
        self.path = folder / f"{worker}{SHARE}"
        self.share: IO[str] | None = None

    def acquire(self, needed: Sequence[float]) -> None:
        """Wait until `needed` fits beside the other shares, or no other worker has one."""
        self.release()
        while not self._acquired(needed):
            time.sleep(EVERY)

    def release(self) -> None:
        """Return the share to the other workers."""
        if self.share is not None:
            self.share.close()
            self.share = None

    def _acquired(self, needed: Sequence[float]) -> bool:
        with (self.folder / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # one worker at a time reads the shares and adds its own
            others = list(self._others())
            used = [sum(amounts) for amounts in zip(*others, strict=True)]
            if others and any(a + b > most for a, b, most in zip(used, needed, self.total, strict=True)):
                return False
            self.share = self.path.open("w")
            fcntl.flock(self.share, fcntl.LOCK_EX)
            self.share.write(json.dumps(list(needed)))
            self.share.flush()
            return True

    def _others(self) -> Iterator[Sequence[float]]:
        for path in self.folder.glob(f"*{SHARE}"):
            with path.open() as share:
                try:
                    fcntl.flock(share, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    yield json.loads(share.read())
