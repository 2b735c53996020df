"""Failure signatures: the cause of a failure without names and numbers, so that equal failures compare equal."""

import dataclasses
import functools
import re
from typing import Final

from ..contract.case import GREEN, RED, Size
from .judging import Judged
from .store import Record

_QUOTED: Final = re.compile(r"`[^`]*`|\"[^\"]*\"|(?<!\w)'[^']*'(?!\w)")
_CUT: Final = "|".join(f"{size}_" for size in Size if size.is_cut)  # what begins the names of models that are cut
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)*(?:e[+-]?\d+)?")


def generalised(case: Judged) -> str:
    """The cause in the case's record, or of what no rule explains beside what is known; or why it has no record."""
    if case.record is None:
        return case.reason
    if not (case.explained.found and case.explained.unexplained):
        return cause_of(case.record)
    finding = dataclasses.replace(case.explained.unexplained[0].finding, count=1, example="")
    return _without_names(finding.words, case.record["model"])


def fail_alike(case: Judged, other: Judged) -> bool:
    """Whether two broken cases have the same outcome, and the same explaining rules or the same cause."""
    if case.outcome != other.outcome:
        return False
    if case.explanation is not None and other.explanation is not None:
        return explaining(case) == explaining(other)
    return generalised(case) == generalised(other)


def newly_broken(old: Judged, new: Judged) -> frozenset[str]:
    """The scenarios that are green on the old side and broken on the new; all green ones, if the case died there.

    What else is broken hides none of them.
    """
    before, after = ({scenario.name: scenario.outcome for scenario in case.scenarios} for case in (old, new))
    green = frozenset(name for name, outcome in before.items() if outcome in GREEN)
    died = "" in after.keys() - before.keys() and after[""] in RED
    return green if died else frozenset(name for name in green if after.get(name) in RED)


def explaining(case: Judged) -> frozenset[str]:
    """The ids of all rules that explain a finding of a case."""
    return frozenset(rule.id for rule in (case.explanation, *case.explained.found) if rule)


def cause_of(record: Record) -> str:
    """`detail.cause`, or else the reason without what differs between models: quoted names, and numbers."""
    cause = (record.get("detail") or {}).get("cause")
    if cause:
        return str(cause)
    return _without_names(str(record.get("reason") or record["outcome"]), record["model"])


@functools.cache  # the reasons of a model repeat over pairs and lanes
def _without_names(reason: str, model: str) -> str:
    reason = _QUOTED.sub("NAME", reason)
    reason = re.sub(rf"(?<!\w)(?:{_CUT})?{re.escape(model)}(?!\w)", "MODEL", reason)
    return _NUMBER.sub("N", reason)
