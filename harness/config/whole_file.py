"""A file that is replaced as a whole, so that it is never there in part."""

from pathlib import Path
from typing import Final

UNFINISHED: Final = ".unfinished"
"""The suffix of a file while it is being written."""


def write(text: str, path: Path) -> None:
    """Replace the file `path`, or make it and its folder. Raises OSError, and UnicodeEncodeError before it is made."""
    content = text.encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(UNFINISHED)
    unfinished.write_bytes(content)
    unfinished.rename(path)
