"""What a pair's environment holds: the pair, what runs its cases, and all that these stand on, each with its hash.

A lock is a file of requirements that uv resolved as of a date and that uv and pip install from. The next release of a
third package then changes nothing until the lock is made again.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from ..config.errors import BadInput
from ..config.pair import Pair
from ..contract import package

FOLDER: Final = package.FOLDER / "locks"
PYTEST: Final = ("pytest>=8,<10", "pytest-xdist>=3.6,<4", "pytest-timeout>=2.3,<3")
PIN: Final = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)", re.MULTILINE)
BESIDE: Final = frozenset({"python", "pip", "wheel"})  # the last two are virtualenv's


@dataclass(frozen=True)
class Lock:
    """A lock file. `pins` has every version that it names of a package: which one, can depend on the platform."""

    path: Path
    digest: str
    pins: Mapping[str, frozenset[str]]

    @classmethod
    def read(cls, path: Path) -> "Lock":
        """Raises BadInput for a file that holds no pin."""
        content = path.read_bytes()
        pins = _pins(content.decode(errors="replace"))
        if not pins:
            raise BadInput(f"{path}: there is no package in it; {_remedy(path.stem)}")
        return cls(path, hashlib.sha256(content).hexdigest()[:16], pins)

    def differences(self, packages: Mapping[str, str]) -> list[str]:
        """How installed packages, version by name, differ from the lock; what the lock has besides is not missed."""
        named = sorted((canonicalize_name(name), version) for name, version in packages.items())
        return [
            f"{name} is {version}, not {' or '.join(sorted(locked)) or 'there'}"
            for name, version in named
            for locked in [self.pins.get(name, frozenset())]
            if version not in locked and name not in BESIDE
        ]


def of(pair: Pair, folder: Path | None = None) -> Lock | None:
    """The pair's lock; None where it has none. Raises BadInput for one that was made for something else."""
    path = path_in(folder or FOLDER, pair.id)
    if not path.is_file():
        return None
    lock = Lock.read(path)
    if problems := [f"{path}: {problem}; {_remedy(pair.id)}" for problem in _unmet(requirements(pair), lock)]:
        raise BadInput.from_problems(problems)
    return lock


def refuse_bad(pairs: Iterable[Pair]) -> None:
    """Raises BadInput with all that is wrong with the locks of these pairs."""
    problems = []
    for pair in pairs:
        try:
            of(pair)
        except BadInput as error:
            problems.append(str(error))
    if problems:
        raise BadInput.from_problems(problems)


def path_in(folder: Path, pair: str) -> Path:
    """Where the lock of a pair lies."""
    return folder / f"{pair}.txt"


def requirements(pair: Pair) -> tuple[str, ...]:
    """What is asked for in a pair's environment."""
    return (*pair.requirements(), *PYTEST)


def text(pair: Pair, resolved: str, until: str) -> str:
    """The file of a pair, from what uv resolved as of a date."""
    return f"# Made by nox -s lock -- --pair {pair.id}, as of {until}; do not edit.\n{resolved}"


def wrong(pair: Pair, packages: Mapping[str, str]) -> list[str]:
    """What is installed, version by name, `python` among them, and is not what the pair asks for."""
    asked = {**pair.versions, "python": f"{pair.python}.*"}
    return [
        f"{name} {version} was asked for, and {packages.get(name) or 'none'} is installed"
        for name, version in asked.items()
        if name not in packages or not _is(packages[name], version)
    ]


def _is(found: str, asked: str) -> bool:
    """A build, as in 2.14.1+cpu, is the release that it is a build of; no package has the label of a source."""
    return Requirement(f"x=={asked.partition('+')[0]}").specifier.contains(Version(found).public, prereleases=True)


def _unmet(asked: Sequence[str], lock: Lock) -> list[str]:
    wanted = map(Requirement, asked)
    return [
        f"has {one.name} {' or '.join(sorted(found)) or 'not at all'}, and {one} is wanted"
        for one in wanted
        for found in [lock.pins.get(canonicalize_name(one.name), frozenset())]
        if not found or not all(one.specifier.contains(version, prereleases=True) for version in found)
    ]


def _pins(resolved: str) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for pin in PIN.finditer(resolved):
        name = canonicalize_name(pin["name"])
        found[name] = found.get(name, frozenset()) | {pin["version"]}
    return found


def _remedy(pair: str) -> str:
    return f"make it again: nox -s lock -- --pair {pair}"
