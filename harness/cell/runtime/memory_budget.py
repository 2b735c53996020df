"""Room that the workers of a run share: whoever needs more of it than is left waits until others have left theirs.

Standard library only. A seat is a locked file, and the system unlocks the files of a process that dies.
"""

import fcntl
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Final

EVERY: Final = 0.2  # seconds between two looks
SEAT: Final = ".seat"
DOOR: Final = "door"


class MemoryBudget:
    """The seat of one worker among the others that use the folder. `room` is what all of them together may need."""

    def __init__(self, folder: Path, worker: str, room: Sequence[float]) -> None:
        self.folder, self.room = folder, room
        self.path = folder / f"{worker}{SEAT}"
        self.mine: IO[str] | None = None

    def take(self, needed: Sequence[float]) -> None:
        """Wait until there is room for as much, or nobody else has a seat."""
        self.leave()
        while not self._taken(needed):
            time.sleep(EVERY)

    def leave(self) -> None:
        """Make room for others."""
        if self.mine is not None:
            self.mine.close()
            self.mine = None

    def _taken(self, needed: Sequence[float]) -> bool:
        with (self.folder / DOOR).open("w") as door:
            fcntl.flock(door, fcntl.LOCK_EX)  # one at a time looks and sits down
            others = list(self._others())
            used = [sum(one) for one in zip(*others, strict=True)]
            if others and any(a + b > most for a, b, most in zip(used, needed, self.room, strict=True)):
                return False
            self.mine = self.path.open("w")
            fcntl.flock(self.mine, fcntl.LOCK_EX)
            self.mine.write(json.dumps(list(needed)))
            self.mine.flush()
            return True

    def _others(self) -> Iterator[Sequence[float]]:
        for path in self.folder.glob(f"*{SEAT}"):
            with path.open() as seat:
                try:
                    fcntl.flock(seat, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    yield json.loads(seat.read())
