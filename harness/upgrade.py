"""What a move from one pair to another comes to: what breaks, because of what, and how far one can go."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from packaging.version import Version

from harness.change import HARM, Change, Key, Kind, Tolerance, compare, moved, unknown
from harness.pair import Pair
from harness.verdict import Judged

AXES: Final = ("transformers", "timm")


@dataclass(frozen=True)
class Answer:
    """What came of a move from a pair to another.

    `by` says to which package a change is due; `known`, whether a pair on the way breaks nothing.
    """

    start: Pair
    end: Pair
    tolerances: Mapping[str, Tolerance]
    old: Sequence[Judged]
    new: Sequence[Judged]
    changes: Sequence[Change]
    by: Mapping[Key, str]
    known: Mapping[Pair, bool]
    carried: Sequence[Judged] = ()
    """Cases of the end that loaded what the start had saved."""

    @property
    def harm(self) -> list[Change]:
        """What works now and would not any more."""
        return [change for change in (*self.changes, *self.lost) if change.kind in HARM]

    @property
    def lost(self) -> list[Change]:
        """Carried checkpoints that fail where what the end saves itself passes."""
        return [change for change in compare(self.new, self.carried) if change.kind is Kind.BROKEN]

    @property
    def unknown(self) -> list[Judged]:
        """Cases without a record, on either side."""
        return unknown([*self.old, *self.new, *self.carried])

    @property
    def moved(self) -> tuple[list[str], int]:
        """The models whose numbers in timm itself are others, and how many were compared."""
        return moved(self.old, self.new, self.tolerances)

    @property
    def nearest(self) -> Pair | None:
        """The pair next to the new one that breaks nothing; None where none is known."""
        if not self.harm:
            return self.end
        good = [pair for pair, is_good in self.known.items() if is_good]
        return max(good, key=lambda pair: (Version(pair.transformers), Version(pair.timm)), default=None)

    @property
    def specifiers(self) -> list[str]:
        """What to write into a project's requirements: from the old releases to the last known to break nothing."""
        bad = [pair for pair, is_good in self.known.items() if not is_good] + ([self.end] if self.harm else [])
        return [text for name in AXES if (text := self._specifier(name, bad))]

    def _specifier(self, name: str, bad: Iterable[Pair]) -> str | None:
        old, new = (Version(getattr(pair, name)) for pair in (self.start, self.end))
        if old == new:
            return None
        due = [self.by.get(change.key, "unknown") for change in self.harm]
        if not any(name in by or "unknown" in by for by in due):
            return f"{name}>={old},<={new}"  # whatever breaks is due to the other package alone
        breaking = [version for pair in bad if (version := Version(getattr(pair, name))) > old]
        last = Version(getattr(self.nearest, name)) if self.nearest else old
        bound = f"<{min(breaking)}" if breaking and min(breaking) > last else f"<={last}"
        return f"{name}>={old},{bound}"

    @property
    def exit_code(self) -> int:
        """1 where anything is newly broken, gone or newly fixed, else 4 where anything has no record, else 0."""
        if self.harm or any(change.kind is Kind.FIXED for change in self.changes):
            return 1
        return 4 if self.unknown else 0
