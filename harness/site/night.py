"""The page of what is new: the newest pair, those that were measured on the last day, and what each brings."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from packaging.version import Version

from ..atlas import moving, words
from ..atlas.answer import Releases
from ..atlas.between import AXES
from ..config.text import number
from .frame import Frame, by_release, counts_of

WORST_FIRST: Final = ("No", "With remedies", "Not known", "No worse", "Yes")
"""The words of a move. What is not worse, and what has nothing before it, is folded."""
WORSE: Final = WORST_FIRST[:3]
CLAUSES: Final = {
    "No": "newly broken",
    "With remedies": "newly needs a remedy",
    "Not known": "not known",
    "No worse": "no worse",
    "Yes": "no worse",
    "": "without one before it",
}


@dataclass(frozen=True)
class News:
    """A pair, what was measured of it, and the pair before it with the first word and the sentence of the move."""

    pair: Releases
    counts: Mapping[Any, int]
    before: Releases | None = None
    word: str = ""
    move: str = ""


def page(frame: Frame) -> str:
    """The newest pair and those of the last day, and what each changes for who comes from the release before."""
    last = max(frame.grid.days.values(), default="")
    fresh = sorted((pair for pair, day in frame.grid.days.items() if day == last), key=by_release, reverse=True)
    newest = _news(frame, frame.current)
    news = [newest if pair == newest.pair else _news(frame, pair) for pair in fresh]
    older = [one for one in news if one is not newest]
    worse = sorted((one for one in older if one.word in WORSE), key=lambda one: WORST_FIRST.index(one.word))
    shown = {"summary": _summary(news), "worse": worse, "others": [one for one in older if one.word not in WORSE]}
    return frame.render("night.html", {**shown, "newest": newest}, root="", here="night")


def _summary(news: Sequence[News]) -> str:
    """How many pairs there are, and what coming to them does."""
    counts = Counter(CLAUSES[one.word] for one in news)
    clauses = ", ".join(f"{clause}: {counts[clause]}" for clause in dict.fromkeys(CLAUSES.values()) if counts[clause])
    return f"{number(len(news), 'pair')} measured. Against the measured pair before it, {clauses}."


def _news(frame: Frame, pair: Releases) -> News:
    """What is new with a pair, by the measured pair before it with the same release of the other package."""
    counts = counts_of(frame.answers(pair))
    before = [
        other
        for axis in AXES
        for other in frame.grid.asked
        if other[1 - axis] == pair[1 - axis] and Version(other[axis]) < Version(pair[axis])
    ]
    if not before:
        return News(pair, counts)
    start = max(before, key=by_release)
    sentence = words.verdict(moving.between(frame.atlas, start, pair))
    return News(pair, counts, start, sentence.partition(":")[0], sentence)
