"""The lines of a requirements file, with those of the files that it includes."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ...contract.surroundings import is_file
from ..errors import BadInput
from .reading import EXAMPLE, named, text

OPTION: Final = re.compile(r"\s+--(?:hash|global-option|config-settings?)[= ].*$|(?:^|\s+)#.*$|\s*\\$")
"""What may follow a requirement, or take a whole line, and says nothing of its release."""
INCLUDES: Final = re.compile(r"(?P<flag>-r|-c|--requirement\b|--constraint\b)[\s=]*(?P<file>.+)")


def requirement_lines(path: Path, *, constraints: bool = True) -> Iterator[str]:
    """The lines without hashes and comments; those of `-r`, and of `-c` if `constraints`, in their place.

    An included file is found beside the one that names it; an address is not followed. Raises BadInput.
    """
    yield from _lines(path, (), set(), constraints=constraints)


def addresses(path: Path) -> list[str]:
    """The included files that are addresses. Raises BadInput."""
    found = (INCLUDES.fullmatch(line) for line in requirement_lines(path))
    return [include[0] for include in found if include]


def _lines(path: Path, above: tuple[Path, ...], done: set[Path], *, constraints: bool) -> Iterator[str]:
    done.add(path.resolve())
    for line in (OPTION.sub("", line).strip() for line in text(path).splitlines()):
        include = INCLUDES.fullmatch(line)
        if include is None or "://" in include["file"]:
            yield line
        elif constraints or include["flag"] in {"-r", "--requirement"}:
            included = _included(path, line, include["file"].strip("\"'"), (*above, path))
            if included.resolve() not in done:
                yield from _lines(included, (*above, path), done, constraints=constraints)


def _included(path: Path, line: str, name: str, above: tuple[Path, ...]) -> Path:
    included = path.parent / name
    if not is_file(included):
        raise BadInput(f"{named(path)}: {line}: there is no such file; put it there, or name the releases: {EXAMPLE}")
    if included.resolve() in [file.resolve() for file in above]:
        raise BadInput(f"{named(path)}: {line}: a file includes itself by that line; leave it out")
    return included
