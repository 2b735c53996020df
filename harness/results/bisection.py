"""Finding the release that brought a change, by halving a sequence of releases. Pure: a callback tests each release."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Generic, TypeVar

from ..config.pair import Pair
from ..contract.case import GREEN, Outcome
from ..environments.pypi import Release
from .failure import fail_alike
from .judging import Judged
from .pair_diff import key_of

T = TypeVar("T")


class Answer(StrEnum):
    """The state of a release: as the good end, as the bad end, or neither."""

    GOOD = "good"
    BAD = "bad"
    UNTESTABLE = "untestable"


@dataclass(frozen=True)
class Transition(Generic[T]):
    """The last release that is as the older end, and the suspects after it, one of which brought the change.

    Several suspects are left if releases between could not be tested. The last suspect is the first release known to
    be as the newer end.
    """

    last: T
    suspects: tuple[T, ...]

    @property
    def culprit(self) -> T | None:
        """The release that brought the change; None if several are suspect."""
        return self.suspects[0] if len(self.suspects) == 1 else None

    @property
    def first(self) -> T:
        """The first release known to be as the newer end."""
        return self.suspects[-1]


def search(
    releases: Sequence[T], older: Answer, ask: Callable[[T], Answer], tell: Callable[[int, int], None] = lambda *_: None
) -> Transition[T]:
    """Halve releases, sorted oldest first. The first is known to be `older`, and the last to be the opposite.

    Before each call of `ask`, `tell` gets the number of releases left and about how many calls they take.
    """
    low, high = 0, len(releases) - 1
    untestable: set[int] = set()
    while left := [index for index in range(low + 1, high) if index not in untestable]:
        tell(len(left), math.ceil(math.log2(len(left) + 1)))
        middle = min(left, key=lambda index: abs(2 * index - low - high))
        answer = ask(releases[middle])
        if answer is Answer.UNTESTABLE:
            untestable.add(middle)
        elif answer is older:
            low = middle
        else:
            high = middle
    return Transition(releases[low], tuple(releases[low + 1 : high + 1]))


@dataclass(frozen=True)
class Symptom:
    """The cases broken at the bad end, by lane and case id.

    `alike`: a case that fails in another way than there says nothing; else it is broken too.
    """

    cases: Mapping[tuple[str, str], Judged]
    alike: bool = False

    @classmethod
    def of(cls, judged: Sequence[Judged], *, alike: bool = False) -> "Symptom":
        """The broken cases among `judged`."""
        return cls({key_of(case): case for case in judged if case.broken}, alike)

    def among(self, judged: Sequence[Judged]) -> "Symptom":
        """The symptom restricted to the cases in `judged`: a case that the good end lacks cannot have broken since."""
        keys = {key_of(case) for case in judged}
        return replace(self, cases={key: case for key, case in self.cases.items() if key in keys})

    def shown_by(self, case: Judged) -> bool:
        """Whether a case fails, as it does at the bad end if it has to be alike."""
        if not case.broken or key_of(case) not in self.cases:
            return False
        return not self.alike or self.is_as_at_the_end(case)

    def is_as_at_the_end(self, case: Judged) -> bool:
        """Whether a case of the symptom fails as it does at the bad end."""
        return fail_alike(case, self.cases[key_of(case)])

    def broken_by(self, error: Exception) -> list[Judged]:
        """Its cases with a release of which something cannot be imported: they have no record, and do not work."""
        facts = {"outcome": Outcome.ERROR, "reason": str(error)}
        return [replace(case, record={**facts, "model": case.case.model}, rule=None) for case in self.cases.values()]

    def answer(self, judged: Sequence[Judged]) -> Answer:
        """Bad if any of the symptom's cases fails, good if all of them pass, else untestable."""
        tried = {key_of(case): case for case in judged if key_of(case) in self.cases}
        if any(map(self.shown_by, tried.values())):
            return Answer.BAD
        passed = len(tried) == len(self.cases) and all(case.outcome in GREEN for case in tried.values())
        return Answer.GOOD if passed else Answer.UNTESTABLE


@dataclass(frozen=True)
class Bisection:
    """The change along the releases of a package, and by version the verdicts and the pair of each release tried."""

    axis: str
    change: Transition[Release]
    older: Answer
    judged: Mapping[str, Sequence[Judged]]
    pairs: Mapping[str, Pair]
    symptom: Symptom
    taken: Mapping[str, str] = field(default_factory=dict)
    """What the atlas says of releases that were not run for it, or that it led to, by version."""

    @property
    def newer(self) -> Answer:
        """The state of the releases after the change."""
        return Answer.BAD if self.older is Answer.GOOD else Answer.GOOD

    @property
    def broken(self) -> Judged:
        """The first case that shows the symptom on the bad side of the change."""
        release = self.change.last if self.older is Answer.BAD else self.change.first
        return next(case for case in self.judged[release.version] if self.symptom.shown_by(case))

    @property
    def exit_code(self) -> int:
        """0 if one release is left, 4 if several are."""
        return 0 if self.change.culprit else 4
