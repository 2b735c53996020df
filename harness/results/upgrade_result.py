"""The result of an upgrade from one pair to another: what breaks, which package breaks it, the nearest safe pair."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from packaging.version import Version

from ..config.pair import AXES, Pair
from ..contract.case import GREEN
from .judging import Judged
from .pair_diff import HARM, Change, Key, Kind, Tolerance, compare, key_of, models_with_other_numbers, unknown


@dataclass(frozen=True)
class UpgradeResult:
    """The verdicts on both ends of an upgrade, and their changes.

    `by` names the package that brought each change. `known` says of each pair tried whether it breaks nothing.
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
    """Cases of the end on checkpoints that the start saved."""
    alike: Container[str] = ()
    """The models that both timm releases build alike; only their numbers can be compared."""

    @property
    def harm(self) -> list[Change]:
        """The changes that speak against the upgrade: cases that pass at the start and would not any more."""
        return [change for change in (*self.changes, *self.lost) if change.kind in HARM]

    @property
    def lost(self) -> list[Change]:
        """Carried checkpoints that fail although a checkpoint saved at the end passes."""
        return [change for change in compare(self.new, self.carried) if change.kind is Kind.BROKEN]

    @property
    def lost_otherwise(self) -> list[Change]:
        """Carried checkpoints that fail in another way than a checkpoint saved at the end."""
        return [change for change in compare(self.new, self.carried) if change.kind is Kind.OTHERWISE]

    @property
    def unknown(self) -> list[Judged]:
        """The cases without a record on either side, and those that pass at the start and were not run at the end."""
        passing = {key_of(case) for case in self.old if case.outcome in GREEN}
        end = [*self.new, *self.carried]
        untried = [case for case in end if case.outcome == "not-run" and key_of(case) in passing]
        return [*unknown([*self.old, *end]), *untried]

    @property
    def other_numbers(self) -> tuple[list[str], int]:
        """The models whose native numbers differ, and the number compared."""
        return models_with_other_numbers(self.old, self.new, self.tolerances, self.alike)

    @property
    def fit(self) -> bool:
        """Whether the end can be pinned: a case passes, none that passed breaks, and every case has a record."""
        return any(case.outcome in GREEN for case in self.new) and not self.harm and not self.unknown

    @property
    def nearest(self) -> Pair | None:
        """The pair nearest to the end that breaks nothing; None if no such pair is known."""
        if self.fit:
            return self.end
        good = [pair for pair, is_good in self.known.items() if is_good]
        for name in reversed(AXES):  # the sort is stable: transformers decides, then timm
            good.sort(key=lambda pair: Version(getattr(pair, name)), reverse=not self._goes_up(name))
        return good[-1] if good else None

    @property
    def specifiers(self) -> list[str]:
        """The requirements to write into a project: the widest range that is known to break nothing.

        If both packages move, an exact pair: not every combination of two ranges was tried.
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
        """The cases of the end that could not be run on this machine."""
        return [case for case in self.new if case.outcome == "not-run"]

    @property
    def exit_code(self) -> int:
        """1 if a case is newly broken, gone or newly fixed, else 4 if a case has no record, else 0."""
        if self.harm or any(change.kind is Kind.FIXED for change in self.changes):
            return 1
        return 4 if self.unknown else 0
