"""What the front page answers from, as JSON: a grid in which every text, every answer and every row stands once.

`rows` has for each row of the grid the numbers of its `answers`, then of its `stands`, then of `how`, one a route.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Final, Generic, TypeVar

from packaging.version import Version

from ..atlas.answer import GOOD, WORST_FIRST, Part, Releases, State
from ..atlas.measured import rank
from ..atlas.moving import HARM, Kind, kind_of
from ..atlas.rules import known
from ..atlas.words import KINDS, MARKS, NEAREST, ORDER
from ..contract.routes import ROUTES
from ..remedies.table import REMEDIES
from ..report import routes_page
from .grid import NAME, Grid
from .remedy_code import usage

STATES: Final = tuple(State)
STATE_MARKS: Final = [(state, MARKS[state], state in GOOD) for state in STATES]
KIND_NAMES: Final = tuple(Kind)
KIND_MARKS: Final = [(kind, KINDS.get(kind, ""), kind in HARM) for kind in KIND_NAMES]
LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
"""Of the table of kinds: a letter a kind."""
Key = TypeVar("Key", bound=Hashable)


@dataclass
class _Numbered(Generic[Key]):
    """A number for each key, in the order in which keys were first met."""

    of: dict[Key, int] = field(default_factory=dict)

    def number(self, key: Key) -> int:
        return self.of.setdefault(key, len(self.of))


def payload(grid: Grid, current: Sequence[str]) -> Mapping[str, Any]:
    """The data of the front page for a lane. `current` is the pair that it begins with."""
    bases, standing = _Numbered[str](), _Numbered[str]()
    signatures, asked, answers, stands, how = (_Numbered[tuple[Any, ...]]() for _ in range(5))
    number = [
        (signatures.number(_signature(part)), standing.number(_measured(part)), bases.number(part.basis))
        for part in grid.parts
    ]
    rows = [
        [[lists.number(tuple(number[index][place] for index in route)) for route in row] for row in grid.rows]
        for place, lists in enumerate((answers, stands, how))
    ]
    alike, changes = _changes(list(signatures.of))
    measured = [
        [*_place(grid, pair), grid.days[pair], [asked.number(some) for some in routes]]
        for pair, routes in grid.asked.items()
    ]
    return {
        "lane": grid.lane,
        "current": list(current),
        "releases": grid.releases,
        "rank": [[round(rank(Version(release)), 2) for release in releases] for releases in grid.releases],
        "routes": [[name, routes_page.of_route(name)[0], ROUTES[name].has_timm] for name in grid.routes],
        "classes": grid.classes,
        "states": STATE_MARKS,
        "worst": [STATES.index(state) for state in WORST_FIRST],
        "order": [STATES.index(state) for state in ORDER],
        "signatures": list(signatures.of),
        "standing": list(standing.of),
        "bases": list(bases.of),
        "answers": list(answers.of),
        "stands": list(stands.of),
        "how": list(how.of),
        "rows": rows,
        "pairs": [grid.of_pair[pair] for pair in product(*grid.releases)],
        "measured": measured,
        "asked": list(asked.of),
        "rules": dict(_causes(grid)),
        "remedies": {name: usage(name) for name in REMEDIES},
        "kinds": KIND_MARKS,
        "alike": alike,
        "changes": changes,
        "name": NAME,
        "nearest": NEAREST,
    }


def _place(grid: Grid, pair: Releases) -> list[int]:
    """Which of the releases of each package a pair has."""
    return [releases.index(one) for releases, one in zip(grid.releases, pair, strict=True)]


def _signature(part: Part) -> tuple[Any, ...]:
    """What is known, without the model that was run and without how it is known."""
    return STATES.index(part.state), part.rules, part.mended, part.changed, part.because


def _measured(part: Part) -> str:
    return "" if part.measured in {NAME, part.model} else part.measured


def _changes(signatures: Sequence[tuple[Any, ...]]) -> tuple[list[int], list[str]]:
    """Which kind of change there is from each signature to each other, of those alike in this once.

    For each signature the number of those that it is alike with; and for each number of a start a text, with a letter
    for each number of an end.
    """
    parts = [_part(*signature) for signature in signatures]
    whole = ["".join(LETTERS[KIND_NAMES.index(kind_of(old, new))] for new in parts) for old in parts]
    numbers = _Numbered[Any]()
    alike = [numbers.number(key) for key in zip(whole, zip(*whole, strict=True), strict=True)]
    first = [alike.index(number) for number in range(len(numbers.of))]
    return alike, ["".join(whole[old][new] for new in first) for old in first]


def _part(state: int, rules: tuple[str, ...], mended: tuple[str, ...], changed: tuple[str, ...], because: str) -> Part:
    return Part("", NAME, STATES[state], rules=rules, mended=mended, changed=changed, because=because)


def _causes(grid: Grid) -> Iterator[tuple[str, Sequence[str | None]]]:
    """The causes that an answer names, by rule: why, what to do, where it is told, the releases, and the remedy."""
    told = {rule for part in grid.parts for rule in (*part.rules, *part.mended, *part.changed)}
    for rule in known().values():
        if rule.id in told:
            remedy = rule.remedy if rule.remedy in REMEDIES else ""
            yield rule.id, (rule.because, rule.advice, rule.url or rule.script, rule.releases, remedy)
