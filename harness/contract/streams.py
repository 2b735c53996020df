"""Standard output and error, whatever encoding a terminal or a CI system has. Standard library only."""

import io
import sys


def escape_unencodable() -> None:
    """From here on a character that standard output's or error's encoding lacks is written as its escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
