"""What a move from one pair to another comes to: what breaks, because of what, and how far one can go."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from packaging.version import Version

from ..config.pair import AXES, Pair
from ..contract.case import GREEN
from .pair_diff import HARM, Change, Key, Kind, Tolerance, compare, moved, unknown
from .verdict import Judged


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
    alike: Container[str] = ()
    """The models that are made alike in both releases of timm; of others nobody can compare the numbers."""

    @property
    def harm(self) -> list[Change]:
        """What works now and would not any more."""
        return [change for change in (*self.changes, *self.lost) if change.kind in HARM]

    @property
    def lost(self) -> list[Change]:
        """Carried checkpoints that fail where what the end saves itself passes."""
        return [change for change in compare(self.new, self.carried) if change.kind is Kind.BROKEN]

    @property
    def lost_otherwise(self) -> list[Change]:
        """Carried checkpoints that fail in another way than what the end saves itself, which fails too."""
        return [change for change in compare(self.new, self.carried) if change.kind is Kind.OTHERWISE]

    @property
    def unknown(self) -> list[Judged]:
        """Cases without a record, on either side."""
        return unknown([*self.old, *self.new, *self.carried])

    @property
    def moved(self) -> tuple[list[str], int]:
        """The models whose numbers in timm itself are others, and how many were compared."""
        return moved(self.old, self.new, self.tolerances, self.alike)

    @property
    def fit(self) -> bool:
        """Whether the end may be pinned: something passes there, nothing that works breaks, and all is known."""
        return any(one.outcome in GREEN for one in self.new) and not self.harm and not self.unknown

    @property
    def nearest(self) -> Pair | None:
        """The pair nearest to the end that breaks nothing; None where none is known."""
        if self.fit:
            return self.end
        good = [pair for pair, is_good in self.known.items() if is_good]
        for name in reversed(AXES):  # stable: transformers decides, then timm
            good.sort(key=lambda pair: Version(getattr(pair, name)), reverse=not self._goes_up(name))
        return good[-1] if good else None

    @property
    def specifiers(self) -> list[str]:
        """What to write into a project's requirements: as far as is known to break nothing.

        Where both packages move, one exact pair, for nobody tried all that two ranges allow.
        """
        goal = self.nearest or self.start
        moving = [name for name in self.start.differs_from(self.end) if name != "python"]
        if len(moving) == 1 and goal != self.start:
            [name] = moving
            low, high = sorted((getattr(self.start, name), getattr(goal, name)), key=Version)
            bad = {getattr(pair, name) for pair, is_good in self.known.items() if not is_good}
            out = [
                f"!={version}"
                for version in sorted(bad, key=Version)
                if Version(low) < Version(version) < Version(high)
            ]
            return [",".join([f"{name}>={low}", f"<={high}", *out])]
        return [f"{name}=={getattr(goal, name)}" for name in moving]

    def _goes_up(self, name: str) -> bool:
        return Version(getattr(self.end, name)) >= Version(getattr(self.start, name))

    @property
    def not_run(self) -> list[Judged]:
        """Cases that this machine has no device for, on the new side."""
        return [one for one in self.new if one.outcome == "not-run"]

    @property
    def exit_code(self) -> int:
        """1 where anything is newly broken, gone or newly fixed, else 4 where anything has no record, else 0."""
        if self.harm or any(change.kind is Kind.FIXED for change in self.changes):
            return 1
        return 4 if self.unknown else 0
