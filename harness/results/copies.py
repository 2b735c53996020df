"""The runs of a lane's file without copies: a file that was collected more than once can hold a run twice."""

from collections.abc import Sequence
from typing import Any

from ..contract.record import Run
from .run_text import COLLECTED


def distinct(runs: Sequence[Run]) -> list[Run]:
    """The runs without copies of one of them, or of a part of it; each collected when its first whole copy was."""
    kept: list[Run] = []
    of: dict[tuple[Any, Any], list[int]] = {}
    for run in runs:
        places = of.setdefault((run.header.get("folder"), run.header.get("sequence")), [])
        same = [place for place in places if run.header.get("folder") and _is_copy(run, kept[place])]
        if not same:
            places.append(len(kept))
            kept.append(run)
            continue
        [place, *_] = same
        wholes = [copy for copy in (kept[place], run) if _extent(copy) == max(_extent(kept[place]), _extent(run))]
        kept[place] = min(wholes, key=lambda copy: str(copy.header.get(COLLECTED) or ""))
    return kept


def _extent(run: Run) -> tuple[bool, int]:
    """How far a run has come."""
    return run.end is not None, len(run.cases)


def _is_copy(one: Run, other: Run) -> bool:
    """Whether the runs are the same one, or one is the other as far as it had come."""
    headers = [{name: value for name, value in run.header.items() if name != COLLECTED} for run in (one, other)]
    part, whole = sorted((one, other), key=_extent)
    ended = part.end is None or part.end == whole.end
    return headers[0] == headers[1] and ended and part.cases.items() <= whole.cases.items()
