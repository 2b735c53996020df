"""Names and buffers that need care, by family: lost for a known reason, on which pairs, and since when no longer.

All of it comes from the records, none from a list kept by hand.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ...contract.case import GREEN
from ...results.explaining import Rule
from ...results.judging import Judged
from ..summary import Summary

OF_STATE: Final = frozenset({"keys", "tensors"})
EVERY: Final = frozenset({"weight", "bias"})  # also in convolutions and norms, so nothing special to a family
NAMES: Final = 6
LOCATION: Final = re.compile(r"\*|\d+|.*_\d+|blocks|stages|layers|module|model")  # where a tensor is, not its name


@dataclass(frozen=True)
class Need:
    """One cause that affects some names of a family. `since` is the first pair after `pairs` on which it passes."""

    family: str
    rule: Rule
    names: tuple[str, ...]
    """The ends of the names, most frequent first."""
    routes: tuple[str, ...]
    pairs: tuple[str, ...]
    since: str | None

    @property
    def until(self) -> str:
        """On which later pairs it matters."""
        return f"not seen from {self.since} on" if self.since else "still there"


def find(summary: Summary) -> list[Need]:
    """By family, then by number of pairs. A cause that affects every name is left out: no family is special by it."""
    pairs = [pair.id for pair in summary.pairs]
    broken: dict[tuple[str, str], tuple[Rule, list[Judged]]] = {}
    green: dict[tuple[str, str], set[str]] = {}
    for case in summary.judged:
        family = summary.families.get(case.case.model, case.case.model).rpartition(".")[2]
        if case.outcome in GREEN:
            green.setdefault((family, case.case.route), set()).add(case.pair)
        if case.broken and case.explanation and case.outcome in OF_STATE:
            broken.setdefault((family, case.explanation.because), (case.explanation, []))[1].append(case)
    needs = [_need(family, rule, cases, pairs, green) for (family, _), (rule, cases) in broken.items()]
    return sorted((need for need in needs if need.names), key=lambda need: (need.family, -len(need.pairs)))


def by_cause(needs: Iterable[Need]) -> list[list[Need]]:
    """The needs of each cause together, the cause of most families first."""
    causes: dict[str, list[Need]] = {}
    for need in needs:
        causes.setdefault(need.rule.because, []).append(need)
    return sorted(causes.values(), key=len, reverse=True)


def _need(
    family: str, rule: Rule, cases: Sequence[Judged], pairs: Sequence[str], green: Mapping[tuple[str, str], set[str]]
) -> Need:
    routes = tuple(dict.fromkeys(case.case.route for case in cases))
    broken = {case.pair for case in cases}
    names = Counter(name for case in cases for name in dict.fromkeys(_names(case)))
    last = max(map(pairs.index, broken))
    passing = set[str]().union(*(green.get((family, route), set()) for route in routes))
    since = next((pair for pair in pairs[last + 1 :] if pair in passing), None)
    return Need(family, rule, _listed(names), routes, tuple(pair for pair in pairs if pair in broken), since)


def _names(case: Judged) -> Iterator[str]:
    """The ends of the names that a record has as lost: patterns of tensors, or names that differ."""
    detail: Any = (case.record or {}).get("detail") or {}
    tensors = detail.get("tensors")
    if isinstance(tensors, Mapping) and isinstance(tensors.get("patterns"), Mapping):
        yield from map(_end, tensors["patterns"])
    differences = detail.get("names")
    for difference in differences if isinstance(differences, list) else ():
        yield from map(_end, _first(difference))


def _first(difference: Any) -> Iterable[str]:
    """The missing names; if there are none, the unexpected ones."""
    for kind in ("missing", "unexpected"):
        listed = difference.get(kind) if isinstance(difference, Mapping) else None
        if isinstance(listed, Mapping) and isinstance(listed.get("first"), list) and listed["first"]:
            return map(str, listed["first"])
    return ()


def _end(name: object) -> str:
    """A name without its location: `ls1.gamma` for `blocks.0.ls1.gamma`, `gamma` for `stages.0.blocks.0.gamma`."""
    *above, leaf = str(name).split(".")
    parent = above[-1:] if above and not LOCATION.fullmatch(above[-1]) else []
    return ".".join([*parent, leaf])


def _listed(names: Counter[str]) -> tuple[str, ...]:
    """The most frequent first; if they are many, only their last parts; none if every name is affected."""
    leaves: Counter[str] = Counter()
    for name, count in names.items():
        leaves[name.rpartition(".")[2]] += count
    if leaves.keys() >= EVERY:
        return ()
    return tuple(name for name, _ in (names if len(names) <= NAMES else leaves).most_common(NAMES))
