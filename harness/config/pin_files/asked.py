"""What a file says of a package: the release that it pins, a range, or an address. packaging is needed."""

import contextlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final
from urllib.parse import unquote

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
BEGINNING: Final = re.compile(rf"(?P<name>{'|'.join(PACKAGES)})\s*(?:\[[^\]]*\]\s*)?[=<>~!@]", re.IGNORECASE)
REPOSITORIES: Final = {"pytorch-image-models": "timm"}
WHEEL: Final = re.compile(r"(?P<path>[^\s\-#;\[][^\s#;\[]*\.whl)(?:\[[^\]]*\])?(?:#\S*)?\s*(?:;.*)?")
"""A line that is a wheel alone, perhaps with extras, a digest or a marker."""
CREDENTIALS: Final = re.compile(r"//[^/@\s]*@")
LONGEST: Final = 400  # characters of a line that is an address
SHOWN: Final = 120  # characters of an address


@dataclass(frozen=True)
class Asked:
    """A package, a version or a range of them, and where it comes from if not from an index."""

    name: str
    version: str
    address: str = ""
    unread: str = ""
    """The line as it stands, without a password, if it is of the package and cannot be read."""

    @property
    def release(self) -> str | None:
        """The one release that is asked for; None for a range."""
        return self.version.lstrip("=") if EXACT.fullmatch(self.version) else None

    @property
    def origin(self) -> str:
        """The package and its address in words, without a password."""
        package = f"{self.name} {self.release or ''}".strip()
        return f"{package} comes from elsewhere than PyPI, from {_shown(self.address)}"


def of_requirements(lines: Iterable[str]) -> Iterator[Asked]:
    """What requirements ask for of the two packages; other lines that are none are passed over."""
    for line in lines:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            if beginning := BEGINNING.match(line):
                yield Asked(beginning["name"].lower(), "", unread=_shown(line))
            else:
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
    """A wheel's file or address, whose name has the release that it says it is."""
    where = WHEEL.fullmatch(line[:LONGEST])
    with contextlib.suppress(InvalidWheelFilename):
        name, version, *_ = parse_wheel_filename(unquote(PurePath(where["path"]).name if where else ""))
        if name in PACKAGES:
            yield Asked(name, f"=={version}", line)


def _shown(text: str) -> str:
    """The text without a password, and not too long."""
    return CREDENTIALS.sub("//", text)[:SHOWN]
