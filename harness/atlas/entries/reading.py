"""Reads the files of pairs, each lane after its base, and refuses what was cut, edited or lost in one way."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ...config.text import number
from .. import files
from .delta import BASE, BASE_DIGEST, DIGEST, applied, by_lane
from .entry import LaneEntry, PairEntry
from .lines import LaneLines, Line, lane_of
from .pair_file import SCHEMA, SUFFIX, Files, PairFile, lane_digest

FIRST: Final = frozenset({"pair", "lanes", "schema"})
"""The fields of a file's first line."""
MEASURE: Final = "measure again: nox -s atlas"
REMEDY: Final = f"restore it, or delete it and {MEASURE}"
DEEPEST: Final = 100
"""The most bases of bases that are followed."""
NONE: Final[Files] = MappingProxyType({})


def loads(texts: Mapping[str, str], parsed: Files = NONE) -> dict[str, PairFile]:
    """The pairs of some texts, by their ids; `parsed` are others. Raises BadInput for a text that is none."""
    reading = _Reading(texts, parsed)
    return {pair: reading.file(pair) for pair in texts}


class _Reading:
    """Reads pairs, each lane after its base."""

    def __init__(self, texts: Mapping[str, str], parsed: Files) -> None:
        self.texts, self.parsed = texts, parsed
        self.parts: dict[str, _Parts] = {}
        self.lanes: dict[tuple[str, str], tuple[LaneLines, LaneEntry]] = {}

    def file(self, pair: str) -> PairFile:
        """The file of a pair. Raises BadInput."""
        with self._refused(pair):
            parts = self._parts(pair)
            lanes = {name: self._lane(pair, name, ()) for name in parts.lanes}
            entry = PairEntry(parts.versions, {name: lane for name, (_, lane) in lanes.items()})
            entry.refuse_untrue()
            if pair != entry.id:
                raise ValueError(f"it is that of {entry.id}")
            bases = {name: head.fields[BASE] for name, (head, _) in parts.lanes.items() if BASE in head.fields}
            return PairFile(entry, {name: lines for name, (lines, _) in lanes.items()}, bases)

    @contextmanager
    def _refused(self, pair: str) -> Iterator[None]:
        """What is wrong with a pair's file, as an error that names it and the remedy."""
        try:
            yield
        except _Mismatch as error:
            raise files.refusal(f"{pair}{SUFFIX}", error, self._together(pair, error.pairs)) from error
        except files.WRONG as error:
            depend = len(self._dependents(pair))
            remedy = f"restore it: {number(depend, 'pair')} cannot be read without it" if depend else REMEDY
            raise files.refusal(f"{pair}{SUFFIX}", error, remedy) from error

    def _together(self, pair: str, pairs: Sequence[str]) -> str:
        """The remedy where files do not go together, of which each may be whole: they are of different times."""
        names, dependents = (f"{name}{SUFFIX}" for name in dict.fromkeys(pairs)), self._dependents(pair)
        also = f" and the {len(dependents)} that depend on it ({', '.join(dependents)})" if dependents else ""
        return f"restore {' and '.join(names)} as of one commit, or delete {pair}{SUFFIX}{also} and {MEASURE}"

    def _dependents(self, pair: str) -> list[str]:
        """The pairs that cannot be read without a pair's file, by what their texts name as bases."""
        found = [pair]
        for base in found:
            found += [name for name, text in self.texts.items() if f'"{BASE}": "{base}"' in text and name not in found]
        return found[1:]

    def _parts(self, pair: str) -> "_Parts":
        if pair not in self.parts:
            self.parts[pair] = _Parts.of(self.texts[pair])
        return self.parts[pair]

    def _lane(self, pair: str, name: str, dependents: Sequence[str]) -> tuple[LaneLines, LaneEntry]:
        """A pair's lane, on which these pairs depend. Raises BadInput for a base that is wrong."""
        if (pair, name) not in self.lanes:
            parts = self._parts(pair)
            head, routes = parts.lanes[name]
            base = self._base(head, name, (*dependents, pair)) if BASE in head.fields else None
            lines = applied(head, routes, base)
            lane = lane_of(lines)  # what is wrong with a line is said before that the digest is
            with files.at(head.number):
                if files.text(head.fields, DIGEST) != lane_digest(parts.versions, parts.lanes, lines):
                    raise ValueError(f"lane {name} is not as it was written")
            self.lanes[pair, name] = lines, lane
        return self.lanes[pair, name]

    def _base(self, head: Line, name: str, dependents: Sequence[str]) -> LaneLines:
        """The base of the last of the dependents, each of which is the base of the one before."""
        with files.at(head.number):
            pair, digest = (files.text(head.fields, field) for field in (BASE, BASE_DIGEST))
            if len(dependents) > DEEPEST:
                raise ValueError(f"it is on {DEEPEST} bases, one on another")
        if pair in dependents:
            raise _Mismatch(f"{pair}, its base, depends on it", dependents[dependents.index(pair) :])
        if pair not in self.texts and pair not in self.parsed:
            raise _Mismatch(f"of {pair}, its base, there is no file", (dependents[-1], pair))
        with self._refused(pair):
            lanes = self._parts(pair).lanes if pair in self.texts else self.parsed[pair].lanes
        if name not in lanes:
            raise _Mismatch(f"{pair}, its base, has no lane {name}", (dependents[-1], pair))
        with self._refused(pair):
            base = self._lane(pair, name, dependents)[0] if pair in self.texts else self.parsed[pair].lanes[name]
        if base.digest != digest:
            raise _Mismatch(f"{pair}, its base, is not what it was", (dependents[-1], pair))
        return base


class _Mismatch(Exception):
    """A file and its base that do not go together; `pairs` are those concerned."""

    def __init__(self, message: str, pairs: Sequence[str]) -> None:
        super().__init__(message)
        self.pairs = pairs


@dataclass(frozen=True)
class _Parts:
    """What a file says by itself: the version of each package, and each lane's line with those of its routes."""

    versions: Mapping[str, str]
    lanes: Mapping[str, tuple[Line, Mapping[str, Sequence[Line]]]]

    @classmethod
    def of(cls, text: str) -> "_Parts":
        """Raises ValueError for a text that is none of a file."""
        if not text:
            raise ValueError("it is empty")
        head, *lines = (Line(line, number) for number, line in enumerate(files.objects(text), 1))
        first = head.fields
        with files.at(1):
            if files.count(first, "schema") != SCHEMA:
                raise ValueError(f"schema {first['schema']}, and not {SCHEMA}")
            if strange := first.keys() - FIRST:
                raise ValueError(f"a pair has no {', '.join(sorted(strange))[: files.SHOWN]}")
            pair = files.mapping(first, "pair")
            versions, names = {package: files.text(pair, package) for package in pair}, files.texts(first, "lanes")
            PairEntry(versions, {}).refuse_untrue()
        lanes = by_lane(lines)
        if not names or list(names) != list(lanes):
            raise ValueError(f"it has {', '.join(lanes) or 'no lane'}, and not {', '.join(names) or 'a lane'}")
        return cls(versions, lanes)
