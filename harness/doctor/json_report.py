"""The JSON object of a command that tests this Python: the fields that its process reported, and how that ended.

Its format is harness/schemas/command.json. Standard library only.
"""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..cell.guards import importing
from .messages import Message, reported
from .verdict import BAD_INPUT, Verdict

SCHEMA: Final = 1
"""Rises when a field goes or means something else."""


def packages() -> Mapping[str, str | None]:
    """The installed version of each library, None for one that belongs to no distribution; and of Python."""
    return {**importing.versions(), "python": platform.python_version()}


def document(command: str, messages: Sequence[Message], verdict: Verdict) -> Mapping[str, Any]:
    """The object: what was reported, or why there is no verdict."""
    found = {"schema": SCHEMA, "command": command, "exit_code": verdict.code, "problem": None, **reported(messages)}
    return {**found, "problem": verdict.sentence} if verdict.sentence else found


def printed(content: Mapping[str, Any], verdict: Verdict) -> Verdict:
    """The verdict, once the object is on standard output; bad input if it could not be written."""
    left = f"{json.dumps(content, ensure_ascii=False, indent=1)}\n".encode("utf-8", "backslashreplace")
    try:
        while left:
            left = left[os.write(1, left) :]
    except OSError as error:
        return Verdict(BAD_INPUT, f"No verdict: the report could not be written: {error}.")
    return verdict
