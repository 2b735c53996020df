"""The checks of a catalog's fields, by kind of line. Standard library only."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

LARGEST: Final = 2**63
"""More than any count of a model's."""
DEEPEST: Final = 20
"""How deeply the arguments of a constructor may be nested."""


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable()


def _is_text_or_null(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < LARGEST


def _is_truth(value: Any) -> bool:
    return isinstance(value, bool)


def _is_size(value: Any) -> bool:
    return isinstance(value, list) and len(value) == len("chw") and all(map(_is_count, value))


def _are_arguments(value: Any) -> bool:
    return isinstance(value, dict) and _is_plain(value)


def _is_plain(value: Any, left: int = DEEPEST) -> bool:
    """Whether it can be written as JSON again: Python's reader lets NaN and infinities through, and any depth."""
    if isinstance(value, dict | list):
        items = value.values() if isinstance(value, dict) else value
        return left > 0 and all(_is_plain(item, left - 1) for item in items)
    return not isinstance(value, float) or math.isfinite(value)


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_name, value))


def _are_reasons(value: Any) -> bool:
    return value is None or (isinstance(value, dict) and all(map(_is_text_or_null, value.values())))


def _fits(value: Any, checks: Mapping[str, Callable[[Any], bool]]) -> bool:
    return isinstance(value, dict) and value.keys() <= checks.keys() and not wrong(value, checks)


def wrong(line: Mapping[str, Any], checks: Mapping[str, Callable[[Any], bool]]) -> list[str]:
    """The fields of a line that fail their checks, those that it lacks among them unless they may be null."""
    return [name for name, holds in checks.items() if not holds(line.get(name))]


HEAD: Final[Mapping[str, Callable[[Any], bool]]] = {
    "catalog": _is_name,
    "architectures": _is_count,
    "controls": _are_names,
    "unbuilt": _are_reasons,
}
"""Field -> check, for the first line."""
_CUT: Final[Mapping[str, Callable[[Any], bool]]] = {
    "args": _are_arguments,
    "input_size": _is_size,
    "params": _is_count,
    "creatable": _is_truth,
    "fallback": _is_text_or_null,
    "same_as": _is_text_or_null,
}
_NARROW: Final[Mapping[str, Callable[[Any], bool]]] = {"args": _are_arguments, "params": _is_count}
ENTRY: Final[Mapping[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(("model", "family"), _is_name),
    **dict.fromkeys(("params", "gamma_keys", "beta_keys", "scale_keys", "non_persistent_buffers"), _is_count),
    "feature_levels": _is_count,
    **dict.fromkeys(("input_size", "smallest_input"), _is_size),
    **dict.fromkeys(("batch_norm", "classifier", "intermediates"), _is_truth),
    "slim": lambda value: _fits(value, _CUT),
    "narrow": lambda value: value is None or _fits(value, _NARROW),
}
"""Field -> check, for the line of a model."""
