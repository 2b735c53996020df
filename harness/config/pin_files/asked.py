"""What a file says of a package: the release that it pins, a range, or an address. packaging is needed."""

import contextlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from .reading import PACKAGES

EXACT: Final = re.compile(r"(={2,3})?\d[\w.+!]*")
"""One release; without a sign as poetry writes it."""
ADDRESS: Final = re.compile(
    r"(?:(?:-e|--editable)[\s=]*)?(?P<where>[\w+]+://(?:\S*/)?(?P<repository>[\w.-]+?)(?:\.git)?(?:@[^\s#]+)?)"
    r"(?:#(?:\S*&)?egg=(?P<egg>[\w.-]+)\S*|#\S*)?"
)
"""A line that is an address alone, as pip takes it, perhaps with the package's name."""
BEGINNING: Final = re.compile(rf"(?:{'|'.join(PACKAGES)})\s*(?:\[[^\]]*\]\s*)?[=<>~!@]", re.IGNORECASE)
REPOSITORIES: Final = {"pytorch-image-models": "timm"}
CREDENTIALS: Final = re.compile(r"//[^/@\s]*@")
LONGEST: Final = 400  # characters of a line that is an address
SHOWN: Final = 120  # characters of an address


class NoRequirement(ValueError):
    """A line that begins as a requirement of one of the two packages, and is none."""


@dataclass(frozen=True)
class Asked:
    """A package, a version or a range of them, and where it comes from if not from an index."""

    name: str
    version: str
    address: str = ""

    @property
    def release(self) -> str | None:
        """The one release that is asked for; None for a range."""
        return self.version.lstrip("=") if EXACT.fullmatch(self.version) else None

    @property
    def origin(self) -> str:
        """The package and its address in words, without a password."""
        address = CREDENTIALS.sub("//", self.address)[:SHOWN]
        return f"{self.name} {self.release or ''}".strip() + f" comes from elsewhere than PyPI, from {address}"


def of_requirements(lines: Iterable[str]) -> Iterator[Asked]:
    """What requirements ask for of the two packages; lines that are none are passed over.

    Raises NoRequirement for one that is of the two, and cannot be read.
    """
    for line in lines:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            if BEGINNING.match(line):
                raise NoRequirement(line[:SHOWN]) from None
            yield from _of_address(line)
            yield from _of_wheel(line)
            continue
        if (name := canonicalize_name(requirement.name)) in PACKAGES:
            yield Asked(name, str(requirement.specifier), requirement.url or "")


def _of_address(line: str) -> Iterator[Asked]:
    if address := ADDRESS.fullmatch(line[:LONGEST]):
        named = canonicalize_name(address["egg"] or address["repository"])
        if (name := REPOSITORIES.get(named, named)) in PACKAGES:
            yield Asked(name, "", address["where"])


def _of_wheel(line: str) -> Iterator[Asked]:
    """A wheel's file, whose name has the release that it says it is."""
    with contextlib.suppress(InvalidWheelFilename):
        name, version, *_ = parse_wheel_filename(PurePath(line).name)
        if name in PACKAGES:
            yield Asked(name, f"=={version}", line)
