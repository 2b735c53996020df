"""The file of a pair: its first line, and then each lane as lines.py and delta.py have it, with a digest.

{"pair": {"transformers": "5.23.0", ...}, "lanes": ["cpu-float32"], "schema": 4}
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from .delta import DIGEST, delta, whole
from .entry import PairEntry
from .lines import LaneLines, digest_of, lines_of

SCHEMA: Final = 4
SUFFIX: Final = ".ndjson"
NO_BASES: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True)
class PairFile:
    """A pair's file: its entry, the lines of each lane, and by lane the id of the pair that has its base, if any."""

    entry: PairEntry
    lanes: Mapping[str, LaneLines]
    bases: Mapping[str, str]

    @classmethod
    def of(cls, entry: PairEntry, bases: Mapping[str, str] = NO_BASES) -> "PairFile":
        """The file of an entry with these bases."""
        return cls(entry, {name: lines_of(entry.lanes[name]) for name in sorted(entry.lanes)}, bases)


Files = Mapping[str, PairFile]
"""The files of pairs by their ids."""


def dumps(file: PairFile, others: Files) -> str:
    """The text of a pair's file; its bases are among the `others`."""
    versions = dict(file.entry.versions)
    lines: list[Mapping[str, Any]] = [{"pair": versions, "lanes": list(file.lanes), "schema": SCHEMA}]
    for name, lane in file.lanes.items():
        base = file.bases.get(name)
        head, *routes = whole(lane) if base is None else delta(lane, others[base].lanes[name], base)
        lines += [{**head, DIGEST: lane_digest(versions, file.lanes, lane)}, *routes]
    return text_of(lines)


def lane_digest(versions: Mapping[str, str], lanes: Iterable[str], lane: LaneLines) -> str:
    """A digest of all that a file says of a lane, with what the base says, and of which lanes it has."""
    return digest_of([versions, list(lanes), lane.head.fields, lane.digest])


def text_of(lines: Sequence[Mapping[str, Any]]) -> str:
    """Objects of JSON, one a line."""
    return "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines)
