"""The matrix divided among machines: shards that take about as long as each other, each a list of commands.

A shard is made of whole pairs where that is even enough, for each pair costs its machine an environment; of parts of a
pair's models where it is not. How long cases take is read from records, where there are any.
"""

import shlex
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from ...config.errors import BadInput
from ...config.matrix import Matrix
from ...config.options import Options, as_words
from ...config.pair import Pair
from ...contract.case import Case
from ...contract.catalog import Catalog
from ...planning import device, plan
from ...report import reproduction
from ...results import store

SCHEMA: Final = 1
MOST: Final = 256  # entries in a matrix of GitHub Actions
SETUP: Final = 60.0  # seconds that an environment takes, torch not in the cache
UNMEASURED: Final = 0.5  # seconds of a case of which nothing is known


@dataclass(frozen=True)
class Unit:
    """A part of one pair's models in all lanes: what one command runs."""

    pair: Pair
    part: int
    of: int
    command: str
    cases: int
    seconds: float


@dataclass
class Shard:
    """What one machine runs."""

    units: list[Unit] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """How long it is expected to take, on the machine that measured."""
        return sum(SETUP + unit.seconds for unit in self.units)


class Durations:
    """How long cases took, by what is known of them: the very case, the same case of another pair, its route."""

    def __init__(self, folders: Iterable[Path], pairs: Iterable[Pair], lanes: Iterable[str]) -> None:
        self.exact: dict[tuple[str, str, str], float] = {}
        alike: dict[tuple[str, str], list[float]] = defaultdict(list)
        of_route: dict[str, list[float]] = defaultdict(list)
        pairs, lanes = list(pairs), list(lanes)
        for folder in folders:
            for pair in pairs:
                for lane in lanes:
                    # However it was measured: an old duration is nearer than none.
                    for id_, record in store.load(folder, pair.id, lane, None).records.items():
                        seconds = record.get("seconds")
                        if isinstance(seconds, int | float):
                            self.exact[pair.id, lane, id_] = float(seconds)
                            alike[lane, id_].append(float(seconds))
                            of_route[record["route"]].append(float(seconds))
        self.alike = {key: fmean(durations) for key, durations in alike.items()}
        self.of_route = {route: fmean(durations) for route, durations in of_route.items()}

    def of(self, pair: str, lane: str, case: Case) -> float:
        """Seconds."""
        near = self.alike.get((lane, case.id), self.of_route.get(case.route, UNMEASURED))
        return self.exact.get((pair, lane, case.id), near)


def divide(
    described: Matrix, pairs: Sequence[tuple[Pair, Catalog | None]], options: Options, count: int, durations: Durations
) -> list[Shard]:
    """At most so many shards, the longest first. Raises BadInput for a count that no CI system takes.

    Of a pair without a catalog nobody knows the cases: it is a unit of its own, as long as the longest other.
    """
    if not 1 <= count <= MOST:
        raise BadInput(f"--shards {count}: give 1 to {MOST}, which is the most that GitHub Actions runs")
    whole = {pair.id: _unit(described, pair, catalog, options, durations) for pair, catalog in pairs}
    longest = max((unit.seconds for unit in whole.values()), default=0.0)
    unknown = {pair.id for pair, catalog in pairs if catalog is None}
    whole = {id_: replace(unit, seconds=longest) if id_ in unknown else unit for id_, unit in whole.items()}
    target = sum(SETUP + unit.seconds for unit in whole.values()) / count
    units: list[Unit] = []
    for pair, catalog in pairs:
        parts = max(1, ceil(whole[pair.id].seconds / target)) if catalog else 1
        units += (
            [whole[pair.id]]
            if parts == 1
            else [_unit(described, pair, catalog, options, durations, part, parts) for part in range(1, parts + 1)]
        )
    units = [unit for unit in units if unit.cases or unit.pair.id in unknown]
    shards = [Shard() for _ in range(min(count, len(units)))]
    for unit in sorted(units, key=lambda unit: -unit.seconds):
        min(shards, key=lambda shard: shard.seconds).units.append(unit)
    return sorted(shards, key=lambda shard: -shard.seconds)


def _unit(  # noqa: PLR0913, PLR0917  what a unit is made of
    described: Matrix,
    pair: Pair,
    catalog: Catalog | None,
    options: Options,
    durations: Durations,
    part: int = 1,
    of: int = 1,
) -> Unit:
    part_options = options if of == 1 else replace(options, part=(part, of))
    seconds = [
        0.0 if device.missing(lane.device) or case in alike else durations.of(pair.id, lane.name, case)
        for lane in plan.lanes(described, part_options)
        for cases in [plan.cases_of(described, catalog, lane, part_options) if catalog else ()]
        for alike in [plan.same_as(cases, catalog or ())]
        for case in cases
    ]
    command = [*reproduction.running(pair, described, options.matrix), *as_words(part_options)]
    return Unit(pair, part, of, shlex.join(command), len(seconds), sum(seconds))


def document(shards: Sequence[Shard], reports: Sequence[str], made_by: str) -> dict[str, Any]:
    """The plan as JSON: an entry a shard, and the commands that judge what all of them have recorded."""
    return {
        "schema": SCHEMA,
        "made_by": made_by,
        "reports": list(reports),
        "shards": [
            {
                "shard": f"{place}/{len(shards)}",
                "pairs": list(dict.fromkeys(unit.pair.id for unit in shard.units)),
                "cases": sum(unit.cases for unit in shard.units),
                "seconds": round(shard.seconds),
                "commands": [unit.command for unit in shard.units],
            }
            for place, shard in enumerate(shards, 1)
        ],
    }
