"""What one's own runs measured, over what the atlas has."""

from collections.abc import Iterable, Mapping

from .answer import Releases
from .entry import PairEntry


def over(entries: Mapping[Releases, PairEntry], own: Iterable[PairEntry]) -> dict[Releases, PairEntry]:
    """The entries with those of one's own runs over them: each lane that has a result wherever the one before has."""
    all_of = dict(entries)
    for entry in own:
        before = all_of[entry.releases].lanes if entry.releases in all_of else {}
        better = {name: lane for name, lane in entry.lanes.items() if name not in before or lane.covers(before[name])}
        if lanes := {**before, **better}:
            all_of[entry.releases] = PairEntry(entry.versions, lanes)
    return all_of
