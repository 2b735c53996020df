"""nox -s upgrade without --measure: what the atlas knows of a move, or which command measures what it cannot know."""

import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.version import Version

from ..atlas.answer import LANE, Releases
from ..atlas.asking import opened, spelled
from ..atlas.entries import pair_files
from ..atlas.entries.entry import PairEntry
from ..atlas.moving import Move, move
from ..config.errors import Incomplete
from ..config.options import LATEST, Options
from ..config.pair import AXES, Pair
from ..contract.case import DEFAULT_VARIANT

MEASURE: Final = "--measure"


@dataclass(frozen=True)
class KnownMove:
    """A move from one pair to another, with the options that were `given`, and the command line as it was typed."""

    old: Pair
    new: Pair
    options: Options
    given: Collection[str]
    typed: Sequence[str]

    def answers(self, folder: Path = pair_files.PACKAGED) -> list[Move]:
        """The answer for each lane. Raises Incomplete, with the command that measures, for what no atlas can know."""
        lanes = self.options.lanes or (LANE,)
        if why := next(self._beyond(pair_files.read(folder), lanes, folder), None):
            raise Incomplete(f"{why}; to measure it: nox -s upgrade -- {shlex.join([*self.typed, MEASURE])}")
        ends, options = (_releases(self.old), _releases(self.new)), self.options
        return [move(*ends, options.models, options.routes, lane=lane, folder=folder) for lane in lanes]

    def _beyond(self, measured: Mapping[Releases, PairEntry], lanes: Sequence[str], folder: Path) -> Iterator[str]:
        """Why the atlas has no answer, for each thing that it has nothing on."""
        options = self.options
        if options.own:
            yield "--own: the atlas has timm's models alone"
        for pair in (self.old, self.new):
            yield from (f"{origin.where}: the atlas has releases alone" for origin in pair.sources)
            named = [(name, Version(getattr(pair, name))) for name in AXES]
            yield from (
                f"{name} {version}: the atlas has final releases alone"
                for name, version in named
                if version.is_prerelease or version.local
            )
        if "sizes" in self.given:
            yield f"--size {', '.join(options.sizes)}: the atlas has narrow models alone"
        if strange := [variant for variant in options.variants if variant != DEFAULT_VARIANT]:
            yield f"--variant {', '.join(strange)}: the atlas has {DEFAULT_VARIANT} alone"
        if options.rerun or options.resolve == LATEST:
            yield "--rerun and --resolve: the atlas has what was run before, with what is locked"
        there = sorted({lane for entry in measured.values() for lane in entry.lanes})
        if strange := [lane for lane in lanes if lane not in there]:
            yield f"--lane {', '.join(strange)}: the atlas has {', '.join(there) or 'nothing'} alone"
        for lane in lanes:
            atlas = opened(folder, lane)
            for pair in (self.old, self.new):
                nearest = atlas.by_distance(spelled(atlas, *_releases(pair)))[0]
                ran_on = atlas.pairs[nearest].versions
                yield from (
                    f"{name} {version}: the atlas has {name} {ran_on[name]} there"
                    for name, version in pair.versions.items()
                    if name not in AXES and ran_on.get(name, version) != version
                )


def _releases(pair: Pair) -> Releases:
    return pair.transformers, pair.timm
