"""The pairs that the atlas needs, in order: the edges of rules, then each minor release, then each timm."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from packaging.specifiers import Specifier, SpecifierSet
from packaging.version import Version

from ..config.matrix import Matrix
from ..config.pair import AXES
from ..environments.pypi import Release

OLDEST: Final = {"transformers": Version("4.44"), "timm": Version("1.0.9")}
LAST_OF_FOUR: Final = "4.57.6"
OTHER: Final = {"transformers": "timm", "timm": "transformers"}
Line = Mapping[str, Sequence[Release]]
"""The releases of each of the two packages, oldest first."""


def in_order(described: Matrix, line: Line) -> list[dict[str, str]]:
    """The releases of transformers and timm of each pair, each pair once."""
    ordered = [*_of_matrix(described), *_of_edges(described, line), *_of_minors(line), *_of_timm(line)]
    unique = {tuple(pair[name] for name in AXES): pair for pair in ordered}
    return list(unique.values())


def _of_matrix(described: Matrix) -> Iterator[dict[str, str]]:
    for pair in described.pairs:
        yield {name: getattr(pair, name) for name in AXES}


def _of_edges(described: Matrix, line: Line) -> Iterator[dict[str, str]]:
    """Both sides of each bound of each rule, with the other package as it is today, and as it was then."""
    for name in AXES:
        bounds: dict[str, Any] = {}
        for rule in described.expectations:
            for bound in SpecifierSet(getattr(rule, name) or ""):
                bounds.setdefault(str(bound), bound)
        for bound in bounds.values():
            for release in sides(bound, line[name]):
                for other in dict.fromkeys((line[OTHER[name]][-1].version, _newest_on(line[OTHER[name]], release.day))):
                    yield {name: release.version, OTHER[name]: other}


def sides(bound: Specifier, releases: Sequence[Release]) -> list[Release]:
    """The adjacent releases on either side of a bound; of one that names a single release also those beside it."""
    inside = [bound.contains(release.version, prereleases=True) for release in releases]
    changes = [at for at in range(1, len(releases)) if inside[at] != inside[at - 1]]
    return [releases[at] for change in changes for at in (change - 1, change)]


def _of_minors(line: Line) -> Iterator[dict[str, str]]:
    """The last release of each minor of transformers with the timm of its day, and with the newest."""
    last: dict[tuple[int, ...], Release] = {}
    for release in line["transformers"]:
        last[Version(release.version).release[:2]] = release
    for release in reversed(last.values()):
        for timm in dict.fromkeys((line["timm"][-1].version, _newest_on(line["timm"], release.day))):
            yield {"transformers": release.version, "timm": timm}


def _of_timm(line: Line) -> Iterator[dict[str, str]]:
    for release in reversed(line["timm"]):
        for transformers in (line["transformers"][-1].version, LAST_OF_FOUR):
            yield {"transformers": transformers, "timm": release.version}


def _newest_on(releases: Iterable[Release], day: date | None) -> str:
    """The newest release of a day; the oldest of all for a day before it."""
    ordered = list(releases)
    there = [release for release in ordered if day and release.day and release.day <= day]
    return (there or ordered[:1])[-1].version
