"""Which releases there are on PyPI, and when they appeared."""

import contextlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final, Protocol

from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from ..config.errors import BadInput

NEAR: Final = 3
TIMEOUT: Final = 30.0  # seconds
logging.getLogger("urllib3").setLevel(logging.WARNING)  # nox shows what any logger says


@dataclass(frozen=True)
class Release:
    """One release of a project, and the day on which its last file appeared, where the index tells."""

    version: str
    day: date | None


class Index(Protocol):
    """As pypi_simple.PyPISimple."""

    def get_project_page(self, project: str, timeout: float | None = None) -> "Page":
        """The files of a project."""


class File(Protocol):
    """As pypi_simple.DistributionPackage."""

    @property
    def version(self) -> str | None:
        """Of the release that it is of."""

    @property
    def requires_python(self) -> str | None:
        """A range of releases of Python."""

    @property
    def upload_time(self) -> datetime | None:
        """When it appeared."""

    @property
    def is_yanked(self) -> bool:
        """Whether its makers took it back."""


class Page(Protocol):
    """As pypi_simple.ProjectPage."""

    @property
    def packages(self) -> Sequence[File]:
        """Its files."""


def day_of(pins: Iterable[str], as_of: date, index: Index | None = None) -> datetime:
    """The end of a date, or the moment when the last file of these releases, as `timm==1.0.31`, appeared, if later.

    Raises BadInput for a release that does not exist, and OSError where the index cannot be asked.
    """
    asked = index or _pypi()
    return max(end_of(as_of), *(_appeared(Requirement(pin), asked) for pin in pins))


def between(project: str, ends: tuple[str, str], python: str, index: Index | None = None) -> list[Release]:
    """The releases from one to another, oldest first, that this Python can run; the ends are there whatever they are.

    Of those between, pre-releases and yanked ones are left out. Raises BadInput for an end that does not exist or that
    this Python cannot run, and OSError where the index cannot be asked.
    """
    files = _files(project, index or _pypi())
    low, high = sorted(map(Version, ends))
    problems = [
        problem for end in (low, high) if (problem := _unusable(project, end, files.get(end, ()), python, files))
    ]
    if problems:
        raise BadInput.from_problems(problems)
    return [
        _dated(version, its)
        for version, its in sorted(files.items())
        if version in {low, high} or (low < version < high and _is_usual(version, its) and _runs(its, python))
    ]


def since(project: str, oldest: Version, python: str, index: Index | None = None) -> list[Release]:
    """The releases from one on, oldest first, that this Python can run, without pre-releases and yanked ones.

    Raises OSError where the index cannot be asked.
    """
    files = _files(project, index or _pypi())
    return [
        _dated(version, its)
        for version, its in sorted(files.items())
        if version >= oldest and _is_usual(version, its) and _runs(its, python)
    ]


def _dated(version: Version, its: Iterable[File]) -> Release:
    return Release(str(version), max((one.upload_time.date() for one in its if one.upload_time), default=None))


def _unusable(project: str, end: Version, its: Sequence[File], python: str, files: Iterable[Version]) -> str | None:
    if not its:
        return f"{project}=={end}: there is no such release on PyPI; the newest are {_newest(files)}"
    if not _runs(its, python):
        return f"{project}=={end}: Python {python} cannot run it, for it asks for {its[0].requires_python}"
    return None


def _is_usual(version: Version, its: Iterable[File]) -> bool:
    return not version.is_prerelease and not all(one.is_yanked for one in its)


def _runs(its: Iterable[File], python: str) -> bool:
    return any(_takes(one.requires_python or "", python) for one in its)


def _takes(specifier: str, python: str) -> bool:
    """Old releases have ranges that are none, such as `>=3.6.*`; what cannot be read forbids nothing."""
    try:
        return SpecifierSet(specifier).contains(python)
    except InvalidSpecifier:
        return True


def today() -> date:
    """The date where PyPI is."""
    return datetime.now(UTC).date()


def end_of(day: date) -> datetime:
    """Its last moment, UTC, as PyPI counts."""
    return datetime.combine(day, time.max, UTC)


def _appeared(pin: Requirement, index: Index) -> datetime:
    files = _files(pin.name, index)
    its = [one for version, its in files.items() if pin.specifier.contains(version, prereleases=True) for one in its]
    times = [one.upload_time for one in its if one.upload_time]
    if not times:
        raise BadInput(f"{pin}: there is no such release on PyPI; the newest are {_newest(files)}")
    return max(times)


def _files(project: str, index: Index) -> dict[Version, list[File]]:
    """Its files by release; none for a project that does not exist. Old files without a version are passed over."""
    from pypi_simple import NoSuchProjectError  # noqa: PLC0415  as below

    found: dict[Version, list[File]] = {}
    with contextlib.suppress(NoSuchProjectError):
        for one in index.get_project_page(project, timeout=TIMEOUT).packages:
            with contextlib.suppress(InvalidVersion):
                found.setdefault(Version(one.version or ""), []).append(one)
    return found


def _pypi() -> Index:
    # Imported here: it takes a third of a second, and hardly any command asks the index.
    from pypi_simple import ACCEPT_JSON_ONLY, PyPISimple  # noqa: PLC0415

    return PyPISimple(accept=ACCEPT_JSON_ONLY)


def _newest(versions: Iterable[Version]) -> str:
    return ", ".join(map(str, sorted(versions, reverse=True)[:NEAR])) or "none"
