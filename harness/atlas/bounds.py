"""The bounds of the ranges of matrix.yaml's rules, and the releases on either side of each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from packaging.specifiers import Specifier, SpecifierSet
from packaging.version import Version

from ..config.matrix import Matrix
from ..config.pair import AXES
from ..contract.matching import within
from ..environments.pypi import Release

OTHER: Final = {"transformers": "timm", "timm": "transformers"}
Line = Mapping[str, Sequence[Release]]
"""The releases of each of the two packages, oldest first."""


@dataclass(frozen=True)
class Bound:
    """One end of a rule's range of a package's releases: `<4.49`."""

    rule: str
    package: str
    specifier: str

    def __str__(self) -> str:
        return f"{self.package}{self.specifier}"


@dataclass(frozen=True)
class Edge:
    """Two adjacent releases of a bound's package, of which one is in the rule's range, beside one of the other."""

    bound: Bound
    inside: str
    outside: str
    beside: str

    def releases(self, side: str) -> dict[str, str]:
        """The releases of both packages, with this one of the bound's."""
        return {self.bound.package: side, OTHER[self.bound.package]: self.beside}


def bounds_of(rule: Any) -> Iterator[Bound]:
    """Those of a rule's ranges of transformers and timm."""
    for package in AXES:
        for specifier in sorted(map(str, SpecifierSet(getattr(rule, package) or ""))):
            yield Bound(rule.id, package, specifier)


def edges(described: Matrix, line: Line) -> list[Edge]:
    """Those of all rules of a matrix."""
    current = {package: getattr(described.current_pair, package) for package in AXES}
    return [edge for rule in described.expectations for edge in edges_of(rule, line, current)]


def changes_of(rule: Any, bound: Bound, known: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """The adjacent releases between which a bound of a rule lies, the one in the rule's range first."""
    specifier = Specifier(bound.specifier)
    for below, above in adjacent(specifier, known.get(bound.package, ())):
        inside, outside = _sides(specifier, below, above)
        if within(getattr(rule, bound.package), inside):
            yield inside, outside


def edges_of(rule: Any, line: Line, current: Mapping[str, str]) -> Iterator[Edge]:
    """Those of a rule's bounds, beside the current release of the other package and that of the time.

    Where the rule's own range has not the current one, beside the newest release that it has.
    """
    known = {name: [release.version for release in releases] for name, releases in line.items()}
    for bound in bounds_of(rule):
        other = OTHER[bound.package]
        days = {release.version: release.day for release in line[bound.package]}
        for inside, outside in changes_of(rule, bound, known):
            later = max(inside, outside, key=Version)
            usual = (current[other], newest_on(line[other], days[later]))
            for beside in _beside(getattr(rule, other), line[other], usual):
                yield Edge(bound, inside, outside, beside)


def further(edge: Edge, line: Line, side: str) -> Edge | None:
    """The edge with one of its sides a release further from the bound; None if there is none, or it is beyond it."""
    versions = [release.version for release in line[edge.bound.package]]
    at, other = versions.index(side), edge.outside if side == edge.inside else edge.inside
    step = 1 if at > versions.index(other) else -1
    if not 0 <= at + step < len(versions):
        return None
    moved = versions[at + step]
    same = within(edge.bound.specifier, moved) == (side == edge.inside)
    if not same:
        return None
    return replace(edge, inside=moved) if side == edge.inside else replace(edge, outside=moved)


def _sides(bound: Specifier, *releases: str) -> list[str]:
    """The one that the bound lets in, then the other."""
    return sorted(releases, key=lambda release: not bound.contains(release, prereleases=True))


def _beside(wanted: str | None, releases: Sequence[Release], usual: Sequence[str]) -> list[str]:
    there = [release.version for release in releases if within(wanted, release.version)]
    current, *_ = usual
    newest = () if current in there else there[-1:]
    return list(dict.fromkeys(release for release in (*usual, *newest) if release in there))


def adjacent(bound: Specifier, releases: Sequence[str]) -> list[tuple[str, str]]:
    """The adjacent releases of which the bound lets one in: two pairs of them for a single release."""
    inside = [bound.contains(release, prereleases=True) for release in releases]
    changes = (at for at in range(1, len(releases)) if inside[at] != inside[at - 1])
    return [(releases[at - 1], releases[at]) for at in changes]


def newest_on(releases: Iterable[Release], day: date | None) -> str:
    """The newest release of a day; the oldest of all for a day before it."""
    ordered = list(releases)
    there = [release for release in ordered if day and release.day and release.day <= day]
    return (there or ordered[:1])[-1].version
