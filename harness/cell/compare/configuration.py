"""Compares a configuration, or a file that holds one, with what it was made from."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ...contract.case import Outcome
from ...contract.finding import Finding

LONGEST: Final = 60  # characters of a value
ABSENT: Final = object()


def compare_fields(where: str, expected: Mapping[str, Any], actual: Any) -> Iterator[Finding]:
    """The fields, by dotted names, that a nested mapping or an object lacks or has with another value."""
    for name, value in expected.items():
        now = field_of(actual, name)
        if now is ABSENT:
            yield Finding(Outcome.FLAGS, where, name, "is not there", example=name)
        elif (plain := _plain(now)) != (must := _plain(value)):
            at = _first_other(plain, must)
            item, is_now, must_be = (f"{name}.{at}", plain[at], must[at]) if at is not None else (name, now, value)
            how = f"is {_short(is_now)}, not {_short(must_be)}"
            yield Finding(Outcome.FLAGS, where, name, how, example=item)


def field_of(holder: Any, name: str) -> Any:
    """What a nested mapping, or an object, has under a dotted name; ABSENT if there is nothing."""
    for part in name.split("."):
        holder = holder.get(part, ABSENT) if isinstance(holder, Mapping) else getattr(holder, part, ABSENT)
    return holder


def _first_other(now: Any, must: Any) -> Any:
    """The key or the index of the first item that is otherwise, where two collections have the same ones; else None."""
    if isinstance(now, dict) and isinstance(must, dict) and now.keys() == must.keys():
        return next(key for key, item in must.items() if now[key] != item)
    if isinstance(now, list) and isinstance(must, list) and len(now) == len(must):
        return next(index for index, item in enumerate(must) if now[index] != item)
    return None


def _plain(value: Any) -> Any:
    """A value as JSON would hold it: keys as text, sequences alike."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."
