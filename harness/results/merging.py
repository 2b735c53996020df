"""The verdicts of several machines merged, and the cases on which the machines disagree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..planning.plan import EVERY_MODEL
from .failure import fail_alike
from .judging import Judged, Verdict
from .pair_diff import state_of


@dataclass(frozen=True)
class Disagreement:
    """A case that is green on one machine and broken on another, or broken in different ways."""

    first: Judged
    other: Judged
    folders: tuple[Path, Path]

    @property
    def outcomes(self) -> dict[str, str]:
        """Folder -> outcome."""
        sides = zip(self.folders, (self.first, self.other), strict=True)
        return {str(folder): str(side.outcome) for folder, side in sides}

    @property
    def sentence(self) -> str:
        """The outcomes and reasons in words."""
        sides = zip(self.folders, (self.first, self.other), strict=True)
        case = f"{self.first.pair} {self.first.lane} {self.first.case.id}"
        return f"{case}: " + "; ".join(f"{side.outcome} in {folder} ({side.reason})" for folder, side in sides)


def merge(machines: Mapping[Path, Sequence[Judged]]) -> tuple[list[Judged], list[Disagreement]]:
    """One verdict per case, and the disagreements.

    A result wins over not-run, and not-run over no record. If machines disagree about a case, the failing result wins;
    otherwise the newer. A result that was withdrawn counts like a failing one, before one that a rule expects.
    """
    if len(machines) == 1:
        return [case for judged in machines.values() for case in judged], []
    # A machine without a catalog has one case per route for all models; another machine may know the models.
    known = {case.pair for judged in machines.values() for case in judged if case.case.model != EVERY_MODEL}
    results: dict[tuple[str, str, str], list[tuple[Path, Judged]]] = {}
    for folder, judged in machines.items():
        for case in judged:
            if case.case.model != EVERY_MODEL or case.pair not in known:
                results.setdefault((case.pair, case.lane, case.case.id), []).append((folder, case))
    merged = [max((case for _, case in sides), key=_weight) for sides in results.values()]
    return merged, [disagreement for sides in results.values() if (disagreement := _disagreement(sides))]


def _weight(case: Judged) -> tuple[bool, bool, bool, bool, str]:
    ran, has_record = state_of(case) != "unknown" or case.withdrawn, case.record is not None or case.withdrawn
    started = str((case.header or {}).get("started", ""))
    return has_record, ran, case.verdict is not Verdict.AS_EXPECTED, case.broken, started


def _disagreement(sides: Sequence[tuple[Path, Judged]]) -> Disagreement | None:
    """The first machine that ran the case, and the first that disagrees with it; None if all agree."""
    ran = [(folder, case) for folder, case in sides if state_of(case) != "unknown"]
    for folder, case in ran[1:]:
        if not _agree(ran[0][1], case):
            return Disagreement(ran[0][1], case, (ran[0][0], folder))
    return None


def _agree(first: Judged, other: Judged) -> bool:
    if first.broken and other.broken:
        return fail_alike(first, other)
    return state_of(first) == state_of(other)
