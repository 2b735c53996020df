"""The checks of a record's fields, by kind of line. Standard library only."""

import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Final

from ..case import Case, Outcome
from ..finding import Finding

SCHEMA: Final = 2
STATISTICS: Final = ("mean", "std", "absmax")  # of an output, in a fingerprint
SAMPLES: Final = 8  # values of an output, in a fingerprint
LONGEST: Final = 10**9  # seconds
LARGEST: Final = 10**300  # of the whole numbers that fit into a float

_OUTCOMES: Final = frozenset(Outcome)
_FINDING: Final = frozenset(field.name for field in fields(Finding))


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


def _is_outcome(value: Any) -> bool:
    return isinstance(value, str) and value in _OUTCOMES


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_figure_or_null(value: Any) -> bool:
    """Refuse what Python's JSON reader lets through: NaN, infinities, integers too large for a float.

    Fast: it is called a million times.
    """
    if type(value) is float:
        return math.isfinite(value)
    return value is None or (type(value) is int and abs(value) < LARGEST)


def _is_duration_or_null(value: Any) -> bool:
    return _is_figure_or_null(value) and (value is None or abs(value) < LONGEST)


def _is_fingerprint(value: Any) -> bool:
    """Each output has a shape and, unless it is empty, numbers; null stands for a number that is not finite."""
    return value is None or (isinstance(value, dict) and all(map(_is_output, value.values())))


def _is_output(output: Any) -> bool:
    if not isinstance(output, dict) or not isinstance(output.get("shape"), list):
        return False
    if "absmax" not in output:
        return True
    samples = output.get("samples")
    if not isinstance(samples, list) or len(samples) != SAMPLES:
        return False
    return _are_figures_or_null([*(output.get(name, "") for name in STATISTICS), *samples])


def _are_figures_or_null(values: list[Any]) -> bool:
    """As for each of them; most are floats, all of which are finite if their sum is."""
    if set(map(type, values)) == {float} and math.isfinite(sum(values)):
        return True
    return all(map(_is_figure_or_null, values))


def _are_case_ids(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_case_id, value))


def _is_sequence_or_null(value: Any) -> bool:
    return value is None or (type(value) is int and value > 0)


def _are_versions_or_null(value: Any) -> bool:
    return value is None or (isinstance(value, dict) and all(map(_is_text, value.values())))


def _are_scenarios(value: Any) -> bool:
    """A line may have none: its case was not run, or its process died."""
    return value is None or (isinstance(value, list) and all(map(_is_scenario, value)))


def _is_scenario(value: Any) -> bool:
    if not (isinstance(value, dict) and isinstance(value.get("name"), str) and _is_tried(value)):
        return False
    remedied = value.get("remedied")
    return (
        (remedied is None or (isinstance(remedied, dict) and all(map(_is_remedied, remedied.values()))))
        and _is_figure_or_null(value.get("seconds"))
        and _is_fingerprint(value.get("fingerprint"))
    )


def _is_tried(value: Any) -> bool:
    """What a scenario came to: its outcome, and its findings."""
    return (
        isinstance(value, dict)
        and _is_outcome(value.get("outcome"))
        and isinstance(value.get("findings"), list)
        and all(map(_is_finding, value["findings"]))
    )


def _is_remedied(value: Any) -> bool:
    return _is_tried(value) and isinstance(value.get("remedies"), list) and all(map(_is_text, value["remedies"]))


def _is_finding(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == _FINDING
        and _is_outcome(value["kind"])
        and all(isinstance(value[name], str) for name in ("where", "what", "how", "example"))
        and type(value["count"]) is int
    )


FIELDS: Final[Mapping[str, Mapping[str, Callable[[Any], bool]]]] = {
    "run": {
        "schema": lambda value: value == SCHEMA,
        "cases": _are_case_ids,
        "pair": _is_object,
        **dict.fromkeys(("machine", "folder", "collected", "weights"), _is_text_or_null),
        "packages": _are_versions_or_null,
        "sequence": _is_sequence_or_null,
    },
    "case": {
        "case": _is_case_id,
        "route": _is_text,
        "model": _is_text,
        "outcome": _is_outcome,
        "reason": _is_text_or_null,
        "detail": _is_object,
        **dict.fromkeys(("max_abs", "max_rel", "noise"), _is_figure_or_null),
        "seconds": _is_duration_or_null,
        "fingerprint": _is_fingerprint,
        "scenarios": _are_scenarios,
        "same_as": lambda value: value is None or _is_case_id(value),
        "imported": _are_versions_or_null,
    },
    "end": {"failed": _is_text_or_null, "reason": _is_text_or_null},
}
"""Kind of line -> field -> check, for the fields that judging and reports read. Other fields are not checked."""
