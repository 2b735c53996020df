"""The pairs that the atlas needs, in order: the newest, each minor release, each timm, then the edges of rules.

Between measured releases an answer is known for those that no rule tells apart, so a few in every row tell most. The
edges come last: `proof` has measured, for each, what its rule says there.
"""

import itertools
import random
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Final

from packaging.version import Version

from ..config.matrix import Matrix
from ..config.pair import AXES, Pair
from ..environments.pypi import Release
from ..planning import currency
from .answer import Releases
from .bounds import Line, edges, newest_on
from .entries.entry import PairEntry

OLDEST: Final = {"transformers": Version("4.44"), "timm": Version("1.0.9")}
LAST_OF_FOUR: Final = "4.57.6"


def in_order(described: Matrix, line: Line) -> list[dict[str, str]]:
    """The releases of transformers and timm of each pair, each pair once."""
    ordered = [
        *_of_matrix(described),
        *_of_newest(described.current_pair, line),
        *_of_minors(line),
        *_of_timm(line),
        *_of_edges(described, line),
    ]
    unique = {tuple(pair[name] for name in AXES): pair for pair in ordered}
    return list(unique.values())


def stale(described: Matrix, there: Mapping[Releases, PairEntry], lanes: Sequence[str]) -> dict[Releases, list[str]]:
    """The measured pairs whose routes have changed since, the oldest first, and these routes."""
    days: dict[Releases, str] = {}
    changed: dict[Releases, list[str]] = {}
    for releases, entry in there.items():
        measured = [entry.lanes[lane] for lane in lanes if lane in entry.lanes]
        cells = [(route.route, route.cell) for lane in measured for route in lane.routes.values()]
        names = dict.fromkeys(route for route, _ in cells if route in described.routes)
        now = currency.digests(described, names, entry.versions["timm"])
        if routes := [route for route in names if any(name == route and cell != now[route] for name, cell in cells)]:
            changed[releases], days[releases] = routes, min(lane.day for lane in measured)
    return {releases: changed[releases] for releases in sorted(changed, key=lambda releases: days[releases])}


def drawn(line: Line, there: Container[tuple[str, str]], count: int, seed: int) -> list[dict[str, str]]:
    """Pairs at random of all that there could be and the atlas lacks: always the same for a seed."""
    versions = [[release.version for release in line[name]] for name in AXES]
    lacking = [pair for pair in itertools.product(*versions) if pair not in there]
    chosen = random.Random(seed).sample(lacking, min(count, len(lacking)))  # noqa: S311  it is no secret
    return [dict(zip(AXES, pair, strict=True)) for pair in chosen]


def _of_matrix(described: Matrix) -> Iterator[dict[str, str]]:
    for pair in described.pairs:
        yield {name: getattr(pair, name) for name in AXES}


def _of_newest(current: Pair, line: Line) -> Iterator[dict[str, str]]:
    """The newest of both, and the newest of each with the current pair's release of the other."""
    newest = {name: line[name][-1].version for name in AXES}
    here = {name: getattr(current, name) for name in AXES}
    yield newest
    yield from ({**here, name: newest[name]} for name in AXES)


def _of_minors(line: Line) -> Iterator[dict[str, str]]:
    """The last release of each minor of transformers with the timm of its day, and with the newest."""
    last: dict[tuple[int, ...], Release] = {}
    for release in line["transformers"]:
        last[Version(release.version).release[:2]] = release
    for release in reversed(last.values()):
        for timm in dict.fromkeys((line["timm"][-1].version, newest_on(line["timm"], release.day))):
            yield {"transformers": release.version, "timm": timm}


def _of_timm(line: Line) -> Iterator[dict[str, str]]:
    for release in reversed(line["timm"]):
        for transformers in (line["transformers"][-1].version, LAST_OF_FOUR):
            yield {"transformers": transformers, "timm": release.version}


def _of_edges(described: Matrix, line: Line) -> Iterator[dict[str, str]]:
    """Both sides of each edge of each rule; transformers' first."""
    for edge in sorted(edges(described, line), key=lambda edge: AXES.index(edge.bound.package)):
        yield from (edge.releases(side) for side in (edge.inside, edge.outside))
