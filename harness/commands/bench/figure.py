"""One measurement of the bench, as a row of a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

HEAD: Final = ("| | what | median | from, to | target | |", "|---|---|---:|---|---|---|")


@dataclass(frozen=True)
class Figure:
    """What was found, and what it must reach. `runs` are the ratios or seconds of each repeat.

    `alike` is whether two ways that were timed found the same; None where there is one, or nothing to be found.
    """

    name: str
    what: str
    runs: Sequence[float]
    most: float | None = None
    least: float | None = None
    unit: str = "times"
    alike: bool | None = None

    @property
    def value(self) -> float:
        """The median."""
        return median(self.runs)

    @property
    def holds(self) -> bool:
        """Whether the target is reached."""
        return (
            (self.most is None or self.value <= self.most)
            and (self.least is None or self.value >= self.least)
            and self.alike is not False
        )

    @property
    def target(self) -> str:
        """What must be reached, in words."""
        said = [
            f"at most {self.most:g}" if self.most is not None else "",
            f"at least {self.least:g}" if self.least is not None else "",
            "the same failures" if self.alike is not None else "",
        ]
        return ", ".join(filter(None, said))

    @property
    def line(self) -> str:
        """As a row of a table."""
        spread = f"{min(self.runs):.2f} to {max(self.runs):.2f}" if len(self.runs) > 1 else "once"
        mark = "✔" if self.holds else "✘"
        return f"| {self.name} | {self.what} | {self.value:.2f} {self.unit} | {spread} | {self.target} | {mark} |"
