"""The releases that a project's file pins: a lock, pyproject.toml or a requirements file."""

import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Final

from ...contract.finding import printable
from ..errors import BadInput
from ..text import series
from . import toml
from .asked import Asked, of_requirements
from .reading import EXAMPLE, KINDS, PACKAGES, TOMLS, Pins, named, text
from .requirement_lines import addresses, requirement_lines

NO_RELEASE: Final = "name the release that it is nearest to, or measure it: nox -s pair"
AGAIN: Final = f"mend it or make it again, or name the releases: {EXAMPLE}"
TOO_DEEP: Final = "it is nested too deeply"
OTHERWISE: Final = "it is not laid out as a lock or a project file is"


def of_file(path: Path, beside: Collection[str] = ()) -> Pins:
    """The releases that the file pins. Raises BadInput for another file, and one without either package.

    Of the packages that are named `beside` it the file need pin none.
    """
    where = named(path)
    found = _asked(path)
    if not found:
        raise BadInput(f"{where}: no requirement of transformers or timm is in it{not_followed(path)}; {KINDS}")
    if away := [asked.origin for asked in found if asked.address and asked.name not in beside]:
        raise BadInput(f"{where}: {away[0]}; {NO_RELEASE}")
    if unread := [asked.unread for asked in found if asked.unread and asked.name not in beside]:
        raise BadInput(
            f"{where}: {printable(unread[0])}: this is no requirement; mend it, or name the release: {EXAMPLE}"
        )
    exact: dict[str, set[str]] = {name: set() for name in PACKAGES}
    ranges: dict[str, str] = {}
    for asked in found:
        if asked.release and not asked.address:
            exact[asked.name].add(asked.release)
        else:
            ranges[asked.name] = asked.version
    if several := [f"{name} {series(sorted(some))}" for name, some in exact.items() if len(some) > 1]:
        raise BadInput(f"{where}: more than one release, of {' and of '.join(several)}; name one, as in {EXAMPLE}")
    if unpinned := [f"{name}{version}" for name, version in ranges.items() if not exact[name] and name not in beside]:
        pins = "pins" if len(unpinned) == 1 else "pin"
        raise BadInput(f"{where}: {series(unpinned)} {pins} no release; give a lock file, or name it: {EXAMPLE}")
    return {name: some.pop() for name, some in exact.items() if some}


def not_followed(path: Path) -> str:
    """Which included files were not read, for the end of a message; empty if all were. Raises BadInput."""
    left = addresses(path) if path.suffix not in TOMLS else []
    return f", and {left[0]} is not followed" if left else ""


def _asked(path: Path) -> list[Asked]:
    try:
        if path.suffix in TOMLS:
            return list(toml.asked(tomllib.loads(text(path))))
        return list(of_requirements(requirement_lines(path)))
    except BadInput:
        raise
    except tomllib.TOMLDecodeError as error:
        if text(path).lstrip().startswith("{"):
            raise BadInput(f"{named(path)}: it is JSON, which is not read; {KINDS}") from error
        why = f"it is no TOML, {' '.join(str(error).split())}"
        raise BadInput(f"{named(path)}: {why}; {AGAIN}; {KINDS}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        why = TOO_DEEP if isinstance(error, RecursionError) else OTHERWISE
        raise BadInput(f"{named(path)}: {why}; {AGAIN}") from error
