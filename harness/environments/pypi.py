"""The releases of a project on PyPI, and when they appeared."""

import contextlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final, Protocol

from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from ..config.errors import BadInput

NEWEST: Final = 3  # releases in a message
TIMEOUT: Final = 30.0  # seconds
logging.getLogger("urllib3").setLevel(logging.WARNING)  # nox prints every logger


@dataclass(frozen=True)
class Release:
    """A release of a project, and the day on which its last file appeared; None if the index does not tell."""

    version: str
    day: date | None


class Index(Protocol):
    """The part of pypi_simple.PyPISimple that is used here."""

    def get_project_page(self, project: str, timeout: float | None = None) -> "Page":
        """The files of a project."""


class File(Protocol):
    """The part of pypi_simple.DistributionPackage that is used here."""

    @property
    def version(self) -> str | None:
        """The version of its release."""

    @property
    def requires_python(self) -> str | None:
        """A range of Python releases."""

    @property
    def upload_time(self) -> datetime | None:
        """When it was uploaded."""

    @property
    def is_yanked(self) -> bool:
        """Whether its release was withdrawn."""


class Page(Protocol):
    """The part of pypi_simple.ProjectPage that is used here."""

    @property
    def packages(self) -> Sequence[File]:
        """Its files."""


def moment_of(pins: Iterable[str], as_of: date, index: Index | None = None) -> datetime:
    """The end of `as_of`, or if later, the upload of the last file of the pinned releases (`timm==1.0.31`).

    Raises BadInput for a release that does not exist, and OSError if the index cannot be reached.
    """
    return max(end_of(as_of), appeared(pins, index))


def between(project: str, ends: tuple[str, str], python: str, index: Index | None = None) -> list[Release]:
    """The releases between two ends, both included, that this Python can run, oldest first.

    Pre-releases and yanked releases count only as ends. Raises BadInput for an end that does not exist or that this
    Python cannot run, and OSError if the index cannot be reached.
    """
    releases = _files(project, index or _pypi())
    low, high = sorted(map(Version, ends))
    problems = [
        problem for end in (low, high) if (problem := _unusable(project, end, releases.get(end, ()), python, releases))
    ]
    if problems:
        raise BadInput.from_problems(problems)
    return [
        _dated(version, files)
        for version, files in sorted(releases.items())
        if version in {low, high} or (low < version < high and _is_usual(version, files) and _runs(files, python))
    ]


def since(project: str, oldest: Version, python: str, index: Index | None = None) -> list[Release]:
    """The releases from `oldest` on that this Python can run, oldest first, without pre-releases and yanked releases.

    Raises OSError if the index cannot be reached.
    """
    releases = _files(project, index or _pypi())
    return [
        _dated(version, files)
        for version, files in sorted(releases.items())
        if version >= oldest and _is_usual(version, files) and _runs(files, python)
    ]


def newest_on(project: str, moment: datetime, python: str, index: Index | None = None) -> str | None:
    """The newest release that was there at a moment and that this Python can run; None if there was none.

    Pre-releases and yanked releases do not count. Raises OSError if the index cannot be reached.
    """
    there = [
        version
        for version, files in _files(project, index or _pypi()).items()
        if _is_usual(version, files)
        and _runs((file for file in files if file.upload_time and file.upload_time <= moment), python)
    ]
    return str(max(there)) if there else None


def appeared(pins: Iterable[str], index: Index | None = None) -> datetime:
    """The upload of the last file of the pinned releases. Raises as `moment_of` does."""
    index = index or _pypi()
    return max(_appeared(Requirement(pin), index) for pin in pins)


def _dated(version: Version, files: Iterable[File]) -> Release:
    return Release(str(version), max((file.upload_time.date() for file in files if file.upload_time), default=None))


def _unusable(project: str, end: Version, files: Sequence[File], python: str, known: Iterable[Version]) -> str | None:
    if not files:
        return f"{project}=={end}: there is no such release on PyPI; the newest are {_newest(known)}"
    if not _runs(files, python):
        return f"{project}=={end}: Python {python} cannot run it; it requires Python {files[0].requires_python}"
    return None


def _is_usual(version: Version, files: Iterable[File]) -> bool:
    return not version.is_prerelease and not all(file.is_yanked for file in files)


def _runs(files: Iterable[File], python: str) -> bool:
    return any(_allows(file.requires_python or "", python) for file in files)


def _allows(specifier: str, python: str) -> bool:
    """Invalid ranges of old releases, such as `>=3.6.*`, allow every Python."""
    try:
        return SpecifierSet(specifier).contains(python)
    except InvalidSpecifier:
        return True


def today() -> date:
    """The date in UTC, as PyPI counts."""
    return datetime.now(UTC).date()


def end_of(day: date) -> datetime:
    """The last moment of a day in UTC, as PyPI counts."""
    return datetime.combine(day, time.max, UTC)


def _appeared(pin: Requirement, index: Index) -> datetime:
    releases = _files(pin.name, index)
    pinned = [version for version in releases if pin.specifier.contains(version, prereleases=True)]
    times = [file.upload_time for version in pinned for file in releases[version] if file.upload_time]
    if not times:
        raise BadInput(f"{pin}: there is no such release on PyPI; the newest are {_newest(releases)}")
    return max(times)


def _files(project: str, index: Index) -> dict[Version, list[File]]:
    """The files of each release; empty for an unknown project. Old files without a version are skipped."""
    from pypi_simple import NoSuchProjectError  # noqa: PLC0415  as below

    files: dict[Version, list[File]] = {}
    with contextlib.suppress(NoSuchProjectError):
        for file in index.get_project_page(project, timeout=TIMEOUT).packages:
            with contextlib.suppress(ValueError):
                files.setdefault(Version(file.version or ""), []).append(file)
    return files


def _pypi() -> Index:
    # Imported here: it takes a third of a second, and few commands need the index.
    from pypi_simple import ACCEPT_JSON_ONLY, PyPISimple  # noqa: PLC0415

    return PyPISimple(accept=ACCEPT_JSON_ONLY)


def _newest(versions: Iterable[Version]) -> str:
    return ", ".join(map(str, sorted(versions, reverse=True)[:NEWEST])) or "none"
