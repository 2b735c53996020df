"""The lock of a pair: a requirements file that pins every package of its environment, with hashes.

uv resolves it as of a date; uv and pip install from it. A new release of another package changes nothing until the
lock is made again.
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
from ..contract.lane_name import COMPANIONS
from ..contract.surroundings import is_file
from .companions import NAMES

FOLDER: Final = package.FOLDER / "locks"
PYTEST: Final = ("pytest>=8,<10", "pytest-xdist>=3.6,<4", "pytest-timeout>=2.3,<3")
PIN: Final = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)", re.MULTILINE)
BUILD: Final = re.compile(r"(cpu|cu\d+|rocm[\d.]+|xpu)")
"""The local versions of builds of torch."""
UNLOCKED: Final = frozenset({"python", "pip", "wheel"})  # virtualenv brings the last two


@dataclass(frozen=True)
class Lock:
    """A lock file. `pins` has every version that it names per package: the version can depend on the platform."""

    path: Path
    digest: str
    pins: Mapping[str, frozenset[str]]

    @classmethod
    def read(cls, path: Path) -> "Lock":
        """Reads a lock file. Raises BadInput for a file without pins."""
        content = path.read_bytes()
        pins = _pins(content.decode(errors="replace"))
        if not pins:
            raise BadInput(f"{path}: there is no package in it; {_remedy(path.stem.removesuffix(COMPANIONS))}")
        return cls(path, hashlib.sha256(content).hexdigest()[:16], pins)

    def differences(self, packages: Mapping[str, str]) -> list[str]:
        """How installed packages (name -> version) differ from the lock. Packages of the lock may be missing."""
        installed = sorted((canonicalize_name(name), version) for name, version in packages.items())
        return [
            f"{name} is {version}, not {' or '.join(sorted(locked)) or 'there'}"
            for name, version in installed
            for locked in [self.pins.get(name, frozenset())]
            if version not in locked and name not in UNLOCKED
        ]


def of(pair: Pair, folder: Path | None = None, *, companions: bool = False) -> Lock | None:
    """The pair's lock, or None; with `companions`, that of its environment with companions.

    Raises BadInput for a lock that does not meet the pair's requirements.
    """
    path = path_in(folder or FOLDER, name_of(pair, companions=companions))
    if not is_file(path):
        return None
    lock, wanted = Lock.read(path), requirements(pair, NAMES if companions else ())
    if problems := [f"{path}: {problem}; {_remedy(pair.id)}" for problem in _unmet(wanted, lock)]:
        raise BadInput.from_problems(problems)
    return lock


def refuse_bad(pairs: Iterable[Pair]) -> None:
    """Raises BadInput with all problems of the locks of these pairs."""
    problems = []
    for pair in pairs:
        for companions in (False, True):
            try:
                of(pair, companions=companions)
            except BadInput as error:
                problems.append(str(error))
    if problems:
        raise BadInput.from_problems(problems)


def name_of(pair: Pair, *, companions: bool) -> str:
    """The name of a pair's environment: the pair's id, or that with a suffix where it has companions."""
    return f"{pair.id}{COMPANIONS}" if companions else pair.id


def path_in(folder: Path, environment: str) -> Path:
    """The path of the lock of an environment."""
    return folder / f"{environment}.txt"


def requirements(pair: Pair, companions: Sequence[str] = ()) -> tuple[str, ...]:
    """The requirements of a pair's environment: the pair, its companions, and pytest with its plugins."""
    return (*pair.requirements(), *companions, *PYTEST)


def not_in(resolved: str, requirements: Iterable[str]) -> list[str]:
    """The requirements whose package has no pin in what was resolved."""
    pins = _pins(resolved)
    return [text for text in requirements if canonicalize_name(Requirement(text).name) not in pins]


def text(pair: Pair, resolved: str, until: str) -> str:
    """The content of a pair's lock file, from uv's resolution as of a date."""
    return f"# Made by nox -s lock -- --pair {pair.id}, as of {until}; do not edit.\n{resolved}"


def mismatches(pair: Pair, packages: Mapping[str, str]) -> list[str]:
    """How installed packages (name -> version, `python` included) differ from the pair."""
    sources = {source.package: source for source in pair.sources}
    wanted = {**pair.versions, **{name: source.installs for name, source in sources.items()}}
    addressed = {name for name, source in sources.items() if not source.is_wheel}
    problems = [
        f"{name} {version} was asked for, and {packages.get(name) or 'none'} is installed"
        for name, version in wanted.items()
        if name != "python"
        and (name not in packages or not is_version(packages[name], version, in_any_build=name in addressed))
    ]
    python = packages.get("python", "none")
    if not f"{python}.".startswith(f"{pair.python}."):
        problems.append(f"python {pair.python}.* was asked for, and {python} is installed")
    return problems


def is_version(installed: str, wanted: str, *, in_any_build: bool = False) -> bool:
    """Whether a version is the wanted one. 1.0.31+x1 is not 1.0.31, but 2.14.1+cpu is a build of 2.14.1."""
    there, asked = Version(installed), Version(wanted)
    is_build = asked.local is None and (in_any_build or BUILD.fullmatch(there.local or ""))
    return there == asked or bool(is_build and there.public == asked.public)


def _unmet(requirements: Sequence[str], lock: Lock) -> list[str]:
    return [
        f"has {wanted.name} {' or '.join(sorted(locked)) or 'not at all'}, and {wanted} is wanted"
        for wanted in map(Requirement, requirements)
        for locked in [lock.pins.get(canonicalize_name(wanted.name), frozenset())]
        if not locked or not all(wanted.specifier.contains(version, prereleases=True) for version in locked)
    ]


def _pins(resolved: str) -> dict[str, frozenset[str]]:
    pins: dict[str, frozenset[str]] = {}
    for pin in PIN.finditer(resolved):
        name = canonicalize_name(pin["name"])
        pins[name] = pins.get(name, frozenset()) | {pin["version"]}
    return pins


def _remedy(pair: str) -> str:
    return f"make it again: nox -s lock -- --pair {pair}"
