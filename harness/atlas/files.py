"""The atlas's files: a JSON object a line, refused in one way if cut or edited, and each field of its kind."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Final

from ..config.errors import BadInput
from ..contract.fields.line import parsed

WRONG: Final = (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What reading a file raises that was cut, or edited."""
SHOWN: Final = 40
"""The most characters of a value that an error repeats."""


def objects(text: str) -> list[dict[str, Any]]:
    """The objects of JSON in a text, one a line. Raises ValueError for a line that is none."""
    *lines, end = text.split("\n")
    found = [parsed(line) for line in (*lines, *filter(None, [end]))]
    if None in found:
        raise ValueError(f"line {found.index(None) + 1} is no object of JSON")
    return [line for line in found if line is not None]


def refusal(name: Path | str, error: Exception, remedy: str) -> BadInput:
    """The error for a file that was cut or edited, with what to do about it."""
    return BadInput(f"{name} is no file of the atlas: {_named(error)}; {remedy}")


@contextmanager
def at(number: int) -> Iterator[None]:
    """Name the line in what reading it raises."""
    try:
        yield
    except WRONG as error:
        raise ValueError(f"line {number}: {_named(error)}") from error


def text(line: Mapping[str, Any], name: str) -> str:
    """A field that is a text. Raises KeyError if it is not there, and ValueError for another value."""
    if not isinstance(line[name], str):
        raise _other(name, line[name], "is no text")
    return str(line[name])


def texts(line: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A field that is a list of texts. Raises as `text` does."""
    values = line[name]
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise _other(name, values, "is no list of texts")
    return tuple(values)


def mapping(line: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A field that is an object. Raises as `text` does."""
    if not isinstance(line[name], dict):
        raise _other(name, line[name], "is no object")
    return dict(line[name])


def some(line: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A field that is a list of texts, and left out where it is empty. Raises ValueError for another value."""
    return texts(line, name) if name in line else ()


def count(line: Mapping[str, Any], name: str) -> int:
    """A field that is a whole number. Raises as `text` does."""
    if type(line[name]) is not int:
        raise _other(name, line[name], "is no whole number")
    return int(line[name])


def one_of(line: Mapping[str, Any], name: str, kinds: Collection[str]) -> str:
    """A field that is one of some words. Raises as `text` does."""
    if text(line, name) not in kinds:
        raise _other(name, line[name], f"is none of {', '.join(kinds)}")
    return text(line, name)


def day(line: Mapping[str, Any], name: str) -> str:
    """A field that is a day, as 2026-11-29. Raises as `text` does."""
    try:
        read = date.fromisoformat(text(line, name)).isoformat()
    except ValueError:
        read = ""
    if read != line[name]:
        raise _other(name, line[name], "is no day, as 2026-11-29")
    return read


def _other(name: str, value: Any, what: str) -> ValueError:
    return ValueError(f"{name} {repr(value)[:SHOWN]} {what}")


def _named(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
