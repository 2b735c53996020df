"""When releases appeared on PyPI."""

import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from typing import Final, Protocol

from packaging.requirements import Requirement
from packaging.version import InvalidVersion, Version
from pypi_simple import ACCEPT_JSON_ONLY, DistributionPackage, NoSuchProjectError, PyPISimple

from harness.errors import BadInput

NEAR: Final = 3
logging.getLogger("urllib3").setLevel(logging.WARNING)  # nox shows what any logger says


class Index(Protocol):
    """As pypi_simple.PyPISimple."""

    def get_project_page(self, project: str) -> "Page":
        """The files of a project."""


class Page(Protocol):
    """As pypi_simple.ProjectPage."""

    @property
    def packages(self) -> Sequence[DistributionPackage]:
        """Its files."""


def day_of(pins: Iterable[str], as_of: date, index: Index | None = None) -> datetime:
    """The end of a date, or the moment when the last file of these releases, as `timm==1.0.31`, appeared, if later.

    Raises BadInput for a release that does not exist, and OSError where the index cannot be asked.
    """
    asked = index or PyPISimple(accept=ACCEPT_JSON_ONLY)
    return max(end_of(as_of), *(_appeared(Requirement(pin), asked) for pin in pins))


def today() -> date:
    """The date where PyPI is."""
    return datetime.now(UTC).date()


def end_of(day: date) -> datetime:
    """Its last moment, UTC, as PyPI counts."""
    return datetime.combine(day, time.max, UTC)


def _appeared(pin: Requirement, index: Index) -> datetime:
    try:
        files = index.get_project_page(pin.name).packages
    except NoSuchProjectError:
        files = []
    versions = [(_version(one), one.upload_time) for one in files]
    times = [at for version, at in versions if version and at and pin.specifier.contains(version, prereleases=True)]
    if not times:
        known = sorted({version for version, _ in versions if version}, reverse=True)
        newest = ", ".join(map(str, known[:NEAR])) or "none"
        raise BadInput(f"{pin}: there is no such release on PyPI; the newest are {newest}")
    return max(times)


def _version(one: DistributionPackage) -> Version | None:
    """None for a file that says none, or none that is one, as very old ones do."""
    try:
        return Version(one.version or "")
    except InvalidVersion:
        return None
