"""Progress of a lane: a line that rewrites itself on a terminal, otherwise a plain line every 15 seconds.

The costliest models come first, so time left is estimated from the work done, not from the number of cases.
"""

import shutil
import time
from typing import IO, Final

EVERY: Final = {True: 0.2, False: 15.0}  # seconds between lines, on a terminal and elsewhere

TOLD: Final = 0.05
"""The share of the work from which on the time left is told: the first case has also waited for the libraries."""


class Progress:
    """Counts cases and prints how many are done, and the time left."""

    def __init__(self, title: str, cases: int, work: float, out: IO[str]) -> None:
        self.title, self.cases, self.work, self.out = title, cases, work, out
        self.done = self.red = 0
        self.worked = 0.0
        self.started = self.shown = time.monotonic()
        self.live = out.isatty()
        if self.live:
            self._draw(f"{title}: 0/{cases}, starting")

    def step(self, work: float, *, green: bool) -> None:
        """Count a case and its work, in the unit of the total."""
        self.done += 1
        self.worked += work
        self.red += not green
        now = time.monotonic()
        if now - self.shown >= EVERY[self.live]:
            self.shown = now
            self._draw(self.line(now))

    def _draw(self, text: str) -> None:
        """Print a line, on a terminal over the last one, cut to one row so that it can be cleared."""
        width = shutil.get_terminal_size().columns - 1
        self.out.write(f"\r\x1b[2K{text[:width]}" if self.live else f"{text}\n")
        self.out.flush()

    def line(self, now: float) -> str:
        """Cases done, broken cases, rate and time left."""
        spent = max(now - self.started, 1e-9)
        told = f"{self.title}: {self.done}/{self.cases}, {self.red} broken, {self.done / spent:.1f} cases/s"
        if self.worked < TOLD * self.work:
            return told
        left = round(spent / self.worked * (self.work - self.worked))
        return f"{told}, {left // 60}:{left % 60:02d} left"

    def close(self) -> None:
        """Print the last line, with the time taken."""
        spent = round(time.monotonic() - self.started)
        text = f"{self.title}: {self.done} of {self.cases} cases in {spent // 60}:{spent % 60:02d}, {self.red} broken"
        self.out.write(f"\r\x1b[2K{text}\n" if self.live else f"{text}\n")
        self.out.flush()
