"""What needs care, by family: names and buffers that are known to be lost, on which pairs, and from which on no more.

Read from the records, so that it says what was seen and not what somebody remembers.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ...contract.case import GREEN
from ...results.verdict import Judged, Rule
from ..summary import Summary

OF_STATE: Final = frozenset({"keys", "tensors"})
EVERY: Final = frozenset({"weight", "bias"})  # what convolutions and norms have: not what a family is special by
NAMES: Final = 6
PLACE: Final = re.compile(r"\*|\d+|.*_\d+|blocks|stages|layers|module|model")  # says where, and not what


@dataclass(frozen=True)
class Need:
    """One cause that befalls some names of a family. `since` is the first pair after those on which it is not seen."""

    family: str
    rule: Rule
    names: tuple[str, ...]
    """The ends of the names, the most frequent first."""
    routes: tuple[str, ...]
    pairs: tuple[str, ...]
    since: str | None

    @property
    def until(self) -> str:
        """How long it matters."""
        return f"not seen from {self.since} on" if self.since else "still there"


def find(summary: Summary) -> list[Need]:
    """By family, then by how many pairs are concerned. What befalls every name is no need of a family."""
    pairs = [pair.id for pair in summary.pairs]
    seen: dict[tuple[str, str], tuple[Rule, list[Judged]]] = {}
    green: dict[tuple[str, str], set[str]] = {}
    for one in summary.judged:
        family = summary.families.get(one.case.model, one.case.model).rpartition(".")[2]
        if one.outcome in GREEN:
            green.setdefault((family, one.case.route), set()).add(one.pair)
        if one.broken and one.explanation and one.outcome in OF_STATE:
            seen.setdefault((family, one.explanation.because), (one.explanation, []))[1].append(one)
    needs = [_need(family, rule, found, pairs, green) for (family, _), (rule, found) in seen.items()]
    return sorted((need for need in needs if need.names), key=lambda need: (need.family, -len(need.pairs)))


def _need(
    family: str, rule: Rule, found: Sequence[Judged], pairs: Sequence[str], green: Mapping[tuple[str, str], set[str]]
) -> Need:
    routes = tuple(dict.fromkeys(one.case.route for one in found))
    broken = {one.pair for one in found}
    names = Counter(name for one in found for name in dict.fromkeys(_names(one)))
    last = max(map(pairs.index, broken))
    passing = set[str]().union(*(green.get((family, route), set()) for route in routes))
    since = next((pair for pair in pairs[last + 1 :] if pair in passing), None)
    return Need(family, rule, _told(names), routes, tuple(pair for pair in pairs if pair in broken), since)


def _names(one: Judged) -> Iterator[str]:
    """What a record names as lost: tensors by their patterns, or the names that are missing."""
    detail: Any = (one.record or {}).get("detail") or {}
    tensors = detail.get("tensors")
    if isinstance(tensors, Mapping) and isinstance(tensors.get("patterns"), Mapping):
        yield from map(_end, tensors["patterns"])
    differences = detail.get("names")
    for difference in differences if isinstance(differences, list) else ():
        yield from map(_end, _first(difference))


def _first(difference: Any) -> Iterable[str]:
    """The missing names, or where none is, the unexpected ones."""
    for kind in ("missing", "unexpected"):
        listed = difference.get(kind) if isinstance(difference, Mapping) else None
        if isinstance(listed, Mapping) and isinstance(listed.get("first"), list) and listed["first"]:
            return map(str, listed["first"])
    return ()


def _end(name: object) -> str:
    """The part of a name that tells: `ls1.gamma` of `blocks.0.ls1.gamma`, and `gamma` of `stages.0.blocks.0.gamma`."""
    *above, leaf = str(name).split(".")
    named = above[-1:] if above and not PLACE.fullmatch(above[-1]) else []
    return ".".join([*named, leaf])


def _told(names: Counter[str]) -> tuple[str, ...]:
    """The most frequent first, by their last parts alone where they are many; none where it is every name."""
    leaves: Counter[str] = Counter()
    for name, count in names.items():
        leaves[name.rpartition(".")[2]] += count
    if leaves.keys() >= EVERY:
        return ()
    return tuple(name for name, _ in (names if len(names) <= NAMES else leaves).most_common(NAMES))
