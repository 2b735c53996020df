"""What must be true of the fields of a record, by kind of line. Standard library only."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from .case import Case, Outcome

SCHEMA: Final = 1
STATISTICS: Final = ("mean", "std", "absmax")  # of a fingerprint, beside
SAMPLES: Final = 8
LARGEST: Final = 10**300  # of whole numbers that are a float too

_OUTCOMES: Final = frozenset(Outcome)


def _is_case_id(value: Any) -> bool:
    try:
        Case.parse(value)
    except (ValueError, AttributeError):
        return False
    return True


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_text_or_null(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_figure_or_null(value: Any) -> bool:
    """JSON as Python reads it has NaN, infinities, and whole numbers that are no float. Asked a million times."""
    if type(value) is float:
        return math.isfinite(value)
    return value is None or (type(value) is int and abs(value) < LARGEST)


def _is_fingerprint(value: Any) -> bool:
    """By output a shape, and figures unless it is empty; one that is not finite is null."""
    return value is None or (
        isinstance(value, dict) and all(isinstance(one, dict) and _is_print(one) for one in value.values())
    )


def _is_print(output: dict[str, Any]) -> bool:
    if not isinstance(output.get("shape"), list):
        return False
    if "absmax" not in output:
        return True
    samples = output.get("samples")
    if not isinstance(samples, list) or len(samples) != SAMPLES:
        return False
    return all(_is_figure_or_null(figure) for figure in (*(output.get(name, "") for name in STATISTICS), *samples))


def _are_case_ids(value: Any) -> bool:
    return isinstance(value, list) and all(_is_case_id(one) for one in value)


FIELDS: Final[Mapping[str, Mapping[str, Callable[[Any], bool]]]] = {
    "run": {"schema": lambda value: value == SCHEMA, "cases": _are_case_ids, "pair": _is_object},
    "case": {
        "case": _is_case_id,
        "route": _is_text,
        "model": _is_text,
        "outcome": lambda value: isinstance(value, str) and value in _OUTCOMES,
        "reason": _is_text_or_null,
        "detail": _is_object,
        **dict.fromkeys(("seconds", "max_abs", "max_rel", "noise"), _is_figure_or_null),
        "fingerprint": _is_fingerprint,
        "same_as": lambda value: value is None or _is_case_id(value),
    },
    "end": {"failed": _is_text_or_null, "reason": _is_text_or_null},
}
"""What must be true of the fields by which records are judged and shown, by kind of line; others may come and go."""
