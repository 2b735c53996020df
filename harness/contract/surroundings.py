"""Names of files and standard streams as odd as people have them. Standard library only.

pathlib raises for some names that cannot be: of more than 255 bytes, or with a null character.
"""

import io
import sys
from pathlib import Path


def is_file(path: Path) -> bool:
    """Whether a regular file is there, or a link to one."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """Whether a folder is there, or a link to one."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def escape_unencodable() -> None:
    """From here on a character that standard output's or error's encoding lacks is written as its escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
