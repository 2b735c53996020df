"""How far a lane is: a line that rewrites itself on a terminal, a plain line now and then elsewhere.

The costliest models come first, so time left is estimated from the work done, not from the number of cases.
"""

import shutil
import time
from typing import IO, Final

EVERY: Final = {True: 0.2, False: 15.0}  # seconds between lines, on a terminal and elsewhere


class Progress:
    """Counts cases and says how many are left, and for how long."""

    def __init__(self, title: str, of: int, work: float, to: IO[str]) -> None:
        self.title, self.of, self.work, self.to = title, of, work, to
        self.done = self.red = 0
        self.worked = 0.0
        self.started = self.shown = time.monotonic()
        self.live = to.isatty()
        if self.live:
            self._draw(f"{title}: 0/{of}, starting")

    def step(self, work: float, *, green: bool) -> None:
        """One case more, and how much work it was, in the unit of the whole."""
        self.done += 1
        self.worked += work
        self.red += not green
        now = time.monotonic()
        if now - self.shown >= EVERY[self.live]:
            self.shown = now
            self._draw(self.line(now))

    def _draw(self, text: str) -> None:
        """Over the last line on a terminal, which can only be cleared where it takes one row."""
        width = shutil.get_terminal_size().columns - 1
        self.to.write(f"\r\x1b[2K{text[:width]}" if self.live else f"{text}\n")
        self.to.flush()

    def line(self, now: float) -> str:
        """The line: cases done, rate, time left, and how many broke."""
        spent = max(now - self.started, 1e-9)
        left = round(spent / self.worked * (self.work - self.worked)) if self.worked else 0
        rate = f"{self.done / spent:.1f} cases/s, {left // 60}:{left % 60:02d} left"
        return f"{self.title}: {self.done}/{self.of}, {self.red} broken, {rate}"

    def close(self) -> None:
        """The last line, with the time it took."""
        spent = round(time.monotonic() - self.started)
        text = f"{self.title}: {self.done} of {self.of} cases in {spent // 60}:{spent % 60:02d}, {self.red} broken"
        self.to.write(f"\r\x1b[2K{text}\n" if self.live else f"{text}\n")
        self.to.flush()
