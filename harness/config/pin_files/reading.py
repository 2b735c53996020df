"""The kinds of files that pin releases, and the text of one. Standard library only."""

import codecs
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, Final

from ...contract.finding import printable
from ..errors import BadInput
from ..text import series

PACKAGES: Final = ("transformers", "timm")
EXAMPLE: Final = "transformers==5.23.0 timm==1.0.31"
FILES: Final = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "pyproject.toml", "requirements.txt")
KINDS: Final = f"{series(FILES)} can be read"
ONE_OF: Final = series(FILES, "or")
TOMLS: Final = frozenset({".lock", ".toml"})
STANDARD_INPUT: Final = Path("-")
LARGEST: Final = 64 * 2**20  # bytes
MARKS: Final = (  # that of UTF-16 begins one of UTF-32
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks, as editors and PowerShell write them."""
Pins = Mapping[str, str]
"""The release of each package that is pinned."""


def named(path: Path) -> str:
    """The path as a message has it, on one line."""
    return "standard input" if path == STANDARD_INPUT else printable(str(path))


def text(path: Path) -> str:
    """The text of the file, or of standard input for `-`. Raises BadInput."""
    try:
        data = _data(path)
        if len(data) > LARGEST:
            raise BadInput(f"{named(path)}: it is larger than {LARGEST // 2**20} MiB; {KINDS}")
        encoding = next((name for mark, name in MARKS if data.startswith(mark)), "utf-8")
        return data.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
    except FileNotFoundError as error:
        raise BadInput(f"{named(path)}: there is no such file") from error
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise BadInput(f"{named(path)}: {why}; {KINDS}") from error


def _data(path: Path) -> bytes:
    if path != STANDARD_INPUT:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    if sys.stdin is None:
        raise BadInput(f"{named(path)}: it is closed; name a file")
    stream: BinaryIO = sys.stdin.buffer
    return stream.read(LARGEST + 1)
