"""Sends inputs through a door until a moment, and counts what becomes of them."""

import collections
import resource
import time
from dataclasses import dataclass, field
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.attempt import Door, Ended, attempt
from tests.fuzz.doors import DOORS
from tests.fuzz.surroundings import offline

AT_A_TIME: Final = 200
"""Inputs of one seed."""
KIB: Final = 1_024
SHOWN: Final = 3
"""Failures of a door that are shown in full."""


@dataclass
class Tally:
    """What became of the inputs at a door. `peak` is in MiB."""

    door: str
    counts: collections.Counter[str] = field(default_factory=collections.Counter)
    failures: list[tuple[str, str]] = field(default_factory=list)
    slowest: float = 0.0
    peak: float = 0.0

    @property
    def line(self) -> str:
        """In a row of the table."""
        failed = sum(self.counts[kind] for kind in FAILURES)
        of_kind = "".join(f"{self.counts[kind]:>12,}" for kind in ("accepted", "refused"))
        return f"{self.door:36}{self.counts.total():>10,}{of_kind}{failed:>10,}{self.slowest:>10.1f}{self.peak:>8.0f}"

    def note(self, given_: Any, ended: Ended, seconds: float) -> None:
        """Count what became of an input."""
        self.counts[ended.failure or ("refused" if ended.code == 2 else "accepted")] += 1
        self.slowest = max(self.slowest, seconds)
        self.peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB
        if ended.failure and len(self.failures) < SHOWN:
            self.failures.append((f"{ended.failure}: {ended.said[-2_000:]}", repr(given_)[:1_000]))


FAILURES: Final = ("traceback", "hang", "wrong code", "escape", "no message that is read")
HEAD: Final = f"{'door':36}{'inputs':>10}{'accepted':>12}{'refused':>12}{'failed':>10}{'slowest s':>10}{'MiB':>8}"


def send(number: int, until: float, start: int) -> Tally:
    """Send inputs through a door until a moment, and say what became of them."""
    door: Door = DOORS[number]
    tally = Tally(door.name)
    with offline():
        while time.time() < until:
            _send_some(door, start, tally)
            start += 1
    return tally


def _send_some(door: Door, start: int, tally: Tally) -> None:
    @seed(start)
    @settings(
        max_examples=AT_A_TIME,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(door.inputs)
    def enter(value: Any) -> None:
        began = time.monotonic()
        ended = attempt(door, value)
        tally.note(value, ended, time.monotonic() - began)

    enter()
