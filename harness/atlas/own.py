"""What one's own runs measured, over what the atlas has."""

from collections.abc import Iterable, Mapping

from ..config.pins import pair_id
from ..config.text import number
from .answer import Releases
from .entries.entry import LaneEntry, PairEntry
from .measured import Atlas

Entries = Mapping[Releases, PairEntry]


def over(entries: Entries, own: Iterable[PairEntry]) -> dict[Releases, PairEntry]:
    """The entries with those of one's own runs over them: each lane that lacks nothing beside what is measured."""
    all_of = dict(entries)
    for entry in own:
        before = all_of[entry.releases].lanes if entry.releases in all_of else {}
        whole = {name: lane for name, lane in entry.lanes.items() if not lacks(lane, entry.releases, entries)}
        if lanes := {**before, **whole}:
            all_of[entry.releases] = PairEntry(entry.versions, lanes)
    return all_of


def lacks(lane: LaneEntry, releases: Releases, entries: Entries) -> str:
    """Why a lane of one's own runs cannot stand among the measured ones; empty if it can.

    It must have a result wherever the pair had one before, or at least half as many as the pair measured next to it:
    one with less would be asked about everything, and tell its neighbours that little is known.
    """
    atlas = Atlas(entries, lane.lane)
    if releases in atlas.lanes:
        covers = lane.covers(atlas.lanes[releases])
        return "" if covers else "left as it was measured before, for these records have not all of its cases"
    near = next((pair for pair in atlas.by_distance(releases) if atlas.lanes[pair].tried), None)
    here, there = len(lane.tried), len(atlas.lanes[near].tried) if near else 0
    if near is None or 2 * here >= there:
        return ""
    has = f"{number(here, 'case')} {'has' if here == 1 else 'have'} a result"
    return f"left out, for {has}, and {there:,} of {pair_id(near)}, measured next to it"
