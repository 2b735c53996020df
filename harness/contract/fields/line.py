"""A line of a file of records or of a catalog, before its fields are checked. Standard library only."""

import json
from typing import Any


def parsed(text: str) -> dict[str, Any] | None:
    """The object of JSON on a line; None for a torn line, or any other."""
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) else None
