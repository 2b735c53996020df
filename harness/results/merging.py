"""The verdicts of several machines as those of one, and the cases on which the machines disagree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..planning.plan import EVERY_MODEL
from .failure import fail_alike
from .pair_diff import state_of
from .verdict import Judged, Verdict


@dataclass(frozen=True)
class Disagreement:
    """One case that comes out green on one machine and broken on another, or broken otherwise."""

    one: Judged
    other: Judged
    folders: tuple[Path, Path]

    @property
    def outcomes(self) -> dict[str, str]:
        """What each of them says, by folder."""
        sides = zip(self.folders, (self.one, self.other), strict=True)
        return {str(folder): str(side.outcome) for folder, side in sides}

    @property
    def sentence(self) -> str:
        """The same in words, with the reasons."""
        sides = zip(self.folders, (self.one, self.other), strict=True)
        case = f"{self.one.pair} {self.one.lane} {self.one.case.id}"
        return f"{case}: " + "; ".join(f"{side.outcome} in {folder} ({side.reason})" for folder, side in sides)


def merge(machines: Mapping[Path, Sequence[Judged]]) -> tuple[list[Judged], list[Disagreement]]:
    """Of each case what tells most: a result before that it was not run there, before nothing.

    Of two results the one that needs a look, for a green one beside it proves nothing; or else the newest.
    """
    if len(machines) == 1:
        return [one for judged in machines.values() for one in judged], []
    # A machine without a catalog has a case that stands for all of a route; another may know them.
    known = {one.pair for judged in machines.values() for one in judged if one.case.model != EVERY_MODEL}
    found: dict[tuple[str, str, str], list[tuple[Path, Judged]]] = {}
    for folder, judged in machines.items():
        for one in judged:
            if one.case.model != EVERY_MODEL or one.pair not in known:
                found.setdefault((one.pair, one.lane, one.case.id), []).append((folder, one))
    merged = [max((one for _, one in sides), key=_told) for sides in found.values()]
    return merged, [disagreement for sides in found.values() if (disagreement := _disagreement(sides))]


def _told(one: Judged) -> tuple[bool, bool, bool, bool, str]:
    ran = state_of(one) != "unknown"
    started = str((one.header or {}).get("started", ""))
    return one.record is not None, ran, one.verdict is not Verdict.AS_EXPECTED, one.broken, started


def _disagreement(sides: Sequence[tuple[Path, Judged]]) -> Disagreement | None:
    """The first two that say something else."""
    ran = [(folder, one) for folder, one in sides if state_of(one) != "unknown"]
    for folder, one in ran[1:]:
        if not _agree(ran[0][1], one):
            return Disagreement(ran[0][1], one, (ran[0][0], folder))
    return None


def _agree(one: Judged, other: Judged) -> bool:
    if one.broken and other.broken:
        return fail_alike(one, other)
    return state_of(one) == state_of(other)
