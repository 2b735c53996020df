"""The atlas's files: a JSON object a line, refused in one way if cut or edited."""

from pathlib import Path
from typing import Any, Final

from ..config.errors import BadInput
from ..contract.fields.line import parsed

WRONG: Final = (OSError, ValueError, KeyError, TypeError, AttributeError)
"""What reading a file raises that was cut, or edited."""


def objects(text: str) -> list[dict[str, Any]]:
    """The objects of JSON in a text, one a line. Raises ValueError for a line that is none."""
    lines = [parsed(line) for line in text.splitlines()]
    if None in lines:
        raise ValueError(f"line {lines.index(None) + 1} is no object of JSON")
    return [line for line in lines if line is not None]


def refusal(name: Path | str, error: Exception, remedy: str) -> BadInput:
    """The error for a file that was cut or edited, with what to do about it."""
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return BadInput(f"{name} is no file of the atlas: {what}; {remedy}")
