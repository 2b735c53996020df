"""Why a case failed, in words that it shares with other models that failed so, and whether two failed alike."""

import functools
import re
from typing import Final

from .store import Record
from .verdict import Judged

_QUOTED: Final = re.compile(r"`[^`]*`|\"[^\"]*\"|(?<!\w)'[^']*'(?!\w)")
_SLIM: Final = "slim_"  # before the name of a model that harness/cell/slim.py cut
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)*(?:e[+-]?\d+)?")


def generalised(one: Judged) -> str:
    """The cause of a case as its record tells it, or why it has no record."""
    return one.reason if one.record is None else cause_of(one.record)


def fail_alike(one: Judged, other: Judged) -> bool:
    """Whether two broken cases have the same outcome, and the same rule that explains it, or else the same cause."""
    if one.outcome != other.outcome:
        return False
    explained = one.explanation is not None and one.explanation == other.explanation
    return explained or generalised(one) == generalised(other)


def cause_of(record: Record) -> str:
    """`detail.cause`, or else the reason without what differs from model to model: names in quotes, and numbers."""
    named = (record.get("detail") or {}).get("cause")
    if named:
        return str(named)
    return _without_names(str(record.get("reason") or record["outcome"]), record["model"])


@functools.cache  # pairs and lanes repeat the reasons of a model
def _without_names(reason: str, model: str) -> str:
    reason = _QUOTED.sub("NAME", reason)
    reason = re.sub(rf"(?<!\w)(?:{_SLIM})?{re.escape(model)}(?!\w)", "MODEL", reason)
    return _NUMBER.sub("N", reason)
