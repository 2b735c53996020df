"""Which base makes a pair's file shortest."""

from dataclasses import replace
from typing import Final

from .delta import can_be_base, delta, whole
from .pair_file import Files, PairFile, text_of

LONGEST: Final = 12
"""The most pairs of a chain, each the base of the one before: more is hard to follow."""


def with_bases(file: PairFile, others: Files, every: Files) -> PairFile:
    """The file with the base for each lane that makes it shortest, among the others; `every` may depend on it."""
    bases = {}
    for name, lane in file.lanes.items():
        room = LONGEST - _height(file.entry.id, name, every)
        chains = {pair: _chain(pair, name, others) for pair, other in others.items() if name in other.lanes}
        lanes = {pair: others[pair].lanes[name] for pair, chain in chains.items() if chain and len(chain) <= room}
        deltas = {pair: delta(lane, lanes[pair], pair) for pair in lanes if can_be_base(lanes[pair], lane)}
        sizes = {pair: len(text_of(lines)) - len(pair) for pair, lines in deltas.items()}
        shared = {pair: len({*file.entry.releases} & {*others[pair].entry.releases}) for pair in deltas}
        best = min(deltas, key=lambda pair: (sizes[pair], -shared[pair], pair), default=None)
        if best and sizes[best] < len(text_of(whole(lane))):
            bases[name] = best
    return replace(file, bases=bases)


def _chain(pair: str, lane: str, files: Files) -> list[str]:
    """A pair, its base, the base of that, and on; empty if one of them is not among the files."""
    chain = [pair]
    while (file := files.get(chain[-1])) and lane in file.bases:
        chain.append(file.bases[lane])
    return chain if file else []


def _height(pair: str, lane: str, files: Files) -> int:
    """The length of the longest chain that ends in a pair."""
    dependents = [name for name, file in files.items() if file.bases.get(lane) == pair]
    return 1 + max((_height(name, lane, files) for name in dependents), default=0)
