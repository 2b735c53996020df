"""Where along a line of releases something changed. Knows nothing of environments: it asks, and counts the steps."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from ..config.pair import Pair
from ..contract.case import GREEN
from ..environments.pypi import Release
from .failure import fail_alike
from .pair_diff import key_of
from .verdict import Judged

T = TypeVar("T")


class Answer(StrEnum):
    """What a release says: it is as the good end, as the bad end, or neither, and then it tells nothing."""

    GOOD = "good"
    BAD = "bad"
    UNTESTABLE = "untestable"


@dataclass(frozen=True)
class Found(Generic[T]):
    """The last release that is as the older end, and those after it of which one brought the change.

    One suspect is a culprit; more are left where releases between could not be tested. The last suspect is the first
    that is known to be as the newer end.
    """

    last: T
    suspects: tuple[T, ...]

    @property
    def culprit(self) -> T | None:
        """The release that brought the change; None where it cannot be told."""
        return self.suspects[0] if len(self.suspects) == 1 else None

    @property
    def first(self) -> T:
        """The first release that is known to be as the newer end."""
        return self.suspects[-1]


def search(
    releases: Sequence[T], older: Answer, ask: Callable[[T], Answer], tell: Callable[[int, int], None] = lambda *_: None
) -> Found[T]:
    """Halve the releases, oldest first, whose first is known to answer `older` and whose last the other.

    `tell` hears before each question how many releases are left, and how many questions about.
    """
    low, high = 0, len(releases) - 1
    untestable: set[int] = set()
    while left := [at for at in range(low + 1, high) if at not in untestable]:
        tell(len(left), math.ceil(math.log2(len(left) + 1)))
        middle = min(left, key=lambda at: abs(2 * at - low - high))
        answer = ask(releases[middle])
        if answer is Answer.UNTESTABLE:
            untestable.add(middle)
        elif answer is older:
            low = middle
        else:
            high = middle
    return Found(releases[low], tuple(releases[low + 1 : high + 1]))


@dataclass(frozen=True)
class Symptom:
    """What is broken at the bad end, by lane and case. What fails in another way is another failure."""

    cases: Mapping[tuple[str, str], Judged]

    @classmethod
    def of(cls, judged: Sequence[Judged]) -> "Symptom":
        """What is broken among these."""
        return cls({key_of(one): one for one in judged if one.broken})

    def among(self, judged: Sequence[Judged]) -> "Symptom":
        """Of the cases that these are, too: one that the good end has not is no case of which it broke."""
        there = {key_of(one) for one in judged}
        return Symptom({key: one for key, one in self.cases.items() if key in there})

    def shown_by(self, one: Judged) -> bool:
        """Whether a case fails as it does at the bad end."""
        return one.broken and key_of(one) in self.cases and fail_alike(one, self.cases[key_of(one)])

    def answer(self, judged: Sequence[Judged]) -> Answer:
        """Bad where any of the symptom's cases fails in its way, good where all of them pass."""
        found = {key_of(one): one for one in judged if key_of(one) in self.cases}
        if any(self.shown_by(one) for one in found.values()):
            return Answer.BAD
        passed = len(found) == len(self.cases) and all(one.outcome in GREEN for one in found.values())
        return Answer.GOOD if passed else Answer.UNTESTABLE


@dataclass(frozen=True)
class Answered:
    """The releases of a package at the change, and by version what was judged of each that was tried, and its pair."""

    axis: str
    found: Found[Release]
    older: Answer
    judged: Mapping[str, Sequence[Judged]]
    pairs: Mapping[str, Pair]
    symptom: Symptom

    @property
    def newer(self) -> Answer:
        """What the releases after the change are."""
        return Answer.BAD if self.older is Answer.GOOD else Answer.GOOD

    @property
    def broken(self) -> Judged:
        """The case that fails on the bad side of the change; the first of them stands for all."""
        release = self.found.last if self.older is Answer.BAD else self.found.first
        return next(one for one in self.judged[release.version] if self.symptom.shown_by(one))

    @property
    def exit_code(self) -> int:
        """0 for one release; 4 where several are left, for what could not be tested is no answer."""
        return 0 if self.found.culprit else 4
