"""The id of a results folder, by which runs of one folder are told from those of another once they are in one file.

Standard library only: this module is imported inside a pair's environment.
"""

import os
import secrets
import tempfile
from pathlib import Path
from typing import Final

FILE: Final = ".folder"
"""The file in a results folder that holds its id, and the number of its inode: a copy is another folder."""


def identity(results: Path) -> str:
    """The id of a results folder, made when it is asked for first. Raises OSError if it cannot be written."""
    path = results / FILE
    if recorded := _read(path):
        return recorded
    made = secrets.token_hex(8)
    handle, draft = tempfile.mkstemp(prefix=FILE, dir=results)
    with open(handle, "w", encoding="ascii") as file:  # noqa: PTH123 - it is open already
        file.write(f"{made} {os.fstat(handle).st_ino}\n")
    Path(draft).replace(path)
    return made


def _read(path: Path) -> str | None:
    """The id in the file; None where there is none, or the file was copied from elsewhere."""
    try:
        made, inode = path.read_text(encoding="ascii").split()
        return made if int(inode) == path.stat().st_ino else None
    except (OSError, ValueError):
        return None
