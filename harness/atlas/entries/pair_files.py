"""The files of the entries, one a pair: read all at once, since most are told by what they have otherwise than another.

Writing one leaves every other as it is told, whenever it stops: the files that are like it are told by others first.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from ...config import whole_file
from ...config.errors import BadInput
from ...contract.package import FOLDER
from .. import files
from ..answer import Releases
from .entry import LaneEntry, PairEntry
from .likeness import DIGEST, LIKE, can_tell, grouped, lengthened, shortened, whole
from .lines import LaneLines, Line, lane_of, lines_of

SCHEMA: Final = 3
PACKAGED: Final = FOLDER / "atlas" / "pairs"
SUFFIX: Final = ".ndjson"
REMEDY: Final = "restore it, or delete it and measure the pair again: nox -s atlas"
NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
MOST: Final = 12
"""The most pairs by which a pair is told, one by the other: more is nothing that anyone follows."""


@dataclass(frozen=True)
class Kept:
    """A pair's file: its entry, the lines of each lane, and by lane the id of the pair that it is told by, if any."""

    entry: PairEntry
    lanes: Mapping[str, LaneLines]
    like: Mapping[str, str]

    @classmethod
    def of(cls, entry: PairEntry, like: Mapping[str, str] = NOTHING) -> "Kept":
        """An entry, each lane told by that of the pair that `like` has of it."""
        return cls(entry, {name: lines_of(entry.lanes[name]) for name in sorted(entry.lanes)}, like)


def read(folder: Path = PACKAGED) -> dict[Releases, PairEntry]:
    """Every pair of a folder, by its releases of transformers and timm. Raises BadInput."""
    return {kept.entry.releases: kept.entry for kept in _kept(folder).values()}


def write(entry: PairEntry, folder: Path = PACKAGED) -> Path:
    """Write a pair's file, and return its path. Lanes that were measured before and are not in the entry stay."""
    every = dict(_kept(folder))
    before = every.pop(entry.id, Kept.of(replace(entry, lanes={})))
    new = Kept.of(replace(entry, lanes={**before.entry.lanes, **entry.lanes}))
    for name, lane in new.lanes.items():
        if name in before.lanes and lane.digest != before.lanes[name].digest:
            _tell_otherwise(every, entry.id, name, folder)
    return _write(_shortest(new, every), every, folder)


def dumps(kept: Kept, others: Mapping[str, Kept]) -> str:
    """The text of a pair's file; of the `others` those that it is told by."""
    lines: list[Mapping[str, Any]] = [{"pair": dict(kept.entry.versions), "schema": SCHEMA}]
    for name, lane in kept.lanes.items():
        like = kept.like.get(name)
        lines += whole(lane) if like is None else shortened(lane, others[like].lanes[name], like)
    return _text(lines)


def loads(texts: Mapping[str, str]) -> dict[str, Kept]:
    """The pairs of some texts, by their ids. Raises BadInput for a text that is none, or is told by one that is not."""
    reading = _Reading(texts)
    return {name: reading.pair(name) for name in texts}


def _kept(folder: Path) -> Mapping[str, Kept]:
    paths = sorted(folder.glob(f"*{SUFFIX}"))
    return _parsed(tuple((path.name.removesuffix(SUFFIX), _of_file(path)) for path in paths))


@lru_cache(maxsize=8)  # folders, of which a process asks again and again
def _parsed(texts: tuple[tuple[str, str], ...]) -> Mapping[str, Kept]:
    return loads(dict(texts))


def _of_file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except files.WRONG as error:
        raise BadInput(f"{path} cannot be read: {error}; restore the file") from error


class _Reading:
    """Reads pairs, each after those that it is told by."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = texts
        self.found: dict[str, Kept] = {}

    def pair(self, name: str, through: tuple[str, ...] = ()) -> Kept:
        """The pair of a name. `through` are the pairs that are told by it. Raises BadInput."""
        if name not in self.found:
            try:
                self.found[name] = self._parsed(name, (*through, name))
            except files.WRONG as error:
                raise files.refusal(f"{name}{SUFFIX}", error, REMEDY) from error
        return self.found[name]

    def _parsed(self, name: str, through: tuple[str, ...]) -> Kept:
        head, *rest = (Line(line, number) for number, line in enumerate(files.objects(self.texts[name]), 1))
        if head.says["schema"] != SCHEMA:
            raise ValueError(f"schema {head.says['schema']}, and not {SCHEMA}")
        with files.at(1):
            versions = {package: files.text(head.says["pair"], package) for package in head.says["pair"]}
        lanes: dict[str, LaneEntry] = {}
        lines: dict[str, LaneLines] = {}
        like, digests = {}, {}
        for line, routes in grouped(rest):
            with files.at(line.number):
                lane, digests[lane] = (files.text(line.says, name) for name in ("lane", DIGEST))
                other = self._other(line, lane, through) if LIKE in line.says else None
            if other:
                like[lane] = line.says[LIKE]
            lines[lane] = lengthened(line, routes, other)
            lanes[lane] = lane_of(lines[lane])
        entry = PairEntry(versions, lanes)
        entry.refuse_untrue()
        if name != entry.id:
            raise ValueError(f"it is that of {entry.id}")
        if changed := [lane for lane in lanes if lines[lane].digest != digests[lane]]:
            raise ValueError(f"lane {changed[0]} is not as it was written")
        return Kept(entry, lines, like)

    def _other(self, line: Line, lane: str, through: tuple[str, ...]) -> LaneLines:
        like = files.text(line.says, LIKE)
        if like in through:
            raise ValueError(f"it is told by {like}, which is told by it")
        if like not in self.texts:
            raise ValueError(f"it is told by {like}, of which there is no file")
        return self.pair(like, through).lanes[lane]


def _tell_otherwise(every: dict[str, Kept], but: str, lane: str, folder: Path) -> None:
    """Write the pairs whose lane is told by that of `but`, which is not in `every`, once more, told by others."""
    for name in [name for name, kept in every.items() if kept.like.get(lane) == but]:
        kept = every.pop(name)
        every[name] = _shortest(kept, every)
        _write(every[name], every, folder)


def _shortest(kept: Kept, others: Mapping[str, Kept]) -> Kept:
    """The pair, each lane told by what takes the fewest characters: a lane of `others`, or itself."""
    like = {}
    for name, lane in kept.lanes.items():
        lanes = {other: others[other].lanes[name] for other in others if _is_told(other, name, others)}
        told = {other: shortened(lane, lanes[other], other) for other in lanes if can_tell(lanes[other], lane)}
        lengths = {other: len(_text(lines)) - len(other) for other, lines in told.items()}
        shared = {other: len({*kept.entry.releases} & {*others[other].entry.releases}) for other in told}
        best = min(told, key=lambda other: (lengths[other], -shared[other], other), default=None)
        if best and lengths[best] < len(_text(whole(lane))):
            like[name] = best
    return replace(kept, like=like)


def _is_told(name: str, lane: str, others: Mapping[str, Kept]) -> bool:
    """Whether a pair has the lane, and is told through few others, all of which are there."""
    through = [name]
    while (kept := others.get(through[-1])) and lane in kept.like:
        through.append(kept.like[lane])
    return lane in others[name].lanes and through[-1] in others and len(through) <= MOST


def _write(kept: Kept, others: Mapping[str, Kept], folder: Path) -> Path:
    path = folder / f"{kept.entry.id}{SUFFIX}"
    whole_file.write(dumps(kept, others), path)
    return path


def _text(lines: Sequence[Mapping[str, Any]]) -> str:
    return "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines)
