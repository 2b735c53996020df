"""Everything that the atlas can answer in a lane: every pair of releases, each route, each model.

It is what `ask` says of each, asked once for all models and releases of which it must say the same.
"""

from bisect import bisect
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from operator import itemgetter
from typing import Any, Final

from packaging.version import Version

from ..atlas import names, rules
from ..atlas.answer import Part, Releases
from ..atlas.measured import Atlas
from ..config.pin_files.reading import PACKAGES
from ..contract.case import Case, Size
from ..contract.catalog import Entry
from ..contract.matching import applies_to, within

NAME: Final = "MODEL"
"""Stands for the model in the texts of a part, which is that of several."""
Row = tuple[tuple[int, ...], ...]
"""For each route, for each class of models, or once where no timm model is loaded: an index into the parts."""


@dataclass(frozen=True)
class Grid:
    """The answers of a lane, each kept once.

    `releases` are those of transformers and of timm, oldest first. `classes` are models that have the same answer
    everywhere. `rows[of_pair[releases]]` are the answers of a pair.
    """

    lane: str
    releases: tuple[tuple[str, ...], tuple[str, ...]]
    routes: tuple[str, ...]
    classes: tuple[tuple[str, ...], ...]
    parts: tuple[Part, ...]
    rows: tuple[Row, ...]
    of_pair: Mapping[Releases, int]
    asked: Mapping[Releases, tuple[tuple[int, ...], ...]]
    """By measured pair, the classes that were measured on each route."""
    days: Mapping[Releases, str]

    @cached_property
    def class_of(self) -> Mapping[str, int]:
        """The index of each model's class."""
        return _numbers(self.classes)

    def part(self, releases: Releases, route: str, model: str) -> Part:
        """The answer for a model on a route, with the model's name in it."""
        answers = self.rows[self.of_pair[releases]][self.routes.index(route)]
        found = self.parts[answers[self.class_of[model]] if len(answers) > 1 else answers[0]]
        return found if found.model != NAME else _named(found, model)

    def of_release(self, package: str, release: str) -> Iterator[Releases]:
        """The measured pairs of a release."""
        axis = PACKAGES.index(package)
        return (releases for releases in self.asked if releases[axis] == release)


def of(atlas: Atlas, each: Callable[[Iterable[Releases]], Iterable[Releases]] = iter) -> Grid:
    """The answers of an atlas's lane, which take seconds; `each` is given the pairs, to show how many are done.

    Raises BadInput for a package without catalogs.
    """
    releases = _releases(atlas)
    measured = {model for lane in atlas.lanes.values() for model in lane.models}
    classes = tuple(_classes(measured, atlas.lane))
    first = [models[0] for models in classes]
    number = _numbers(classes)
    answers = _Answers(dict.fromkeys(atlas.routes, first))
    rows: dict[Row, int] = {}
    of_key: dict[Any, int] = {}
    of_pair: dict[Releases, int] = {}
    groups = _Groups(atlas)
    for pair in each(list(product(*releases))):
        key = groups.key(pair)
        if key not in of_key:
            row = answers.row(atlas, pair)
            of_key[key] = rows.setdefault(row, len(rows))
        of_pair[pair] = of_key[key]
    asked = {
        pair: tuple(
            tuple(sorted({number[model] for model in lane.routes[route].models if model in number}))
            if route in lane.routes
            else ()
            for route in atlas.routes
        )
        for pair, lane in atlas.lanes.items()
    }
    days = {pair: lane.day for pair, lane in atlas.lanes.items()}
    return Grid(
        atlas.lane, releases, tuple(atlas.routes), classes, tuple(answers.parts), tuple(rows), of_pair, asked, days
    )


def _numbers(classes: Sequence[Sequence[str]]) -> Mapping[str, int]:
    """The index of each model's class."""
    return {model: index for index, models in enumerate(classes) for model in models}


def _releases(atlas: Atlas) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The releases of each package that there are, and those that were measured."""
    first, second = (
        tuple(sorted({*atlas.known.get(name, ()), *(pair[axis] for pair in atlas.pairs)}, key=Version))
        for axis, name in enumerate(PACKAGES)
    )
    return first, second


class _Answers:
    """Every distinct answer, without its model's name, and its number."""

    def __init__(self, wanted: Mapping[str, Sequence[str]]) -> None:
        """`wanted` are the models that are asked about on each route."""
        self.wanted = wanted
        self.parts: dict[Part, int] = {}
        # The atlas gives most parts many times: the same objects, which need not be looked at again.
        self._of_object: dict[int, tuple[Part, int]] = {}

    def row(self, atlas: Atlas, pair: Releases) -> Row:
        """The numbers of a pair's answers, by route and model."""
        numbers: dict[str, list[int]] = defaultdict(list)
        for part in atlas.parts(pair, self.wanted):
            numbers[part.route].append(self._of(part))
        return tuple(tuple(numbers[route]) for route in self.wanted)

    def _of(self, part: Part) -> int:
        if id(part) not in self._of_object:
            general = _general(part, several=part.model in self.wanted[part.route])
            self._of_object[id(part)] = part, self.parts.setdefault(general, len(self.parts))
        return self._of_object[id(part)][1]


def _general(part: Part, *, several: bool) -> Part:
    """The part without the model's name, for all models of its class."""
    if not several:
        return part
    measured = NAME if part.measured == part.model else part.measured
    return replace(part, model=NAME, measured=measured, because=part.because.replace(part.model, NAME))


def _named(part: Part, model: str) -> Part:
    measured = model if part.measured == NAME else part.measured
    return replace(part, model=model, measured=measured, because=part.because.replace(NAME, model))


class _Groups:
    """Which pairs have the same answers: those between the same measured pairs that the same rules are about."""

    def __init__(self, atlas: Atlas) -> None:
        self.lanes, self.lines = atlas.lanes, atlas.lines
        self.causes = sorted({(rule.transformers, rule.timm) for rule in rules.known().values()}, key=str)

    def key(self, pair: Releases) -> Any:
        """The same for pairs of the same answers."""
        if pair in self.lanes:
            return pair
        transformers, timm = pair
        row, column = self.lines[0].get(timm), self.lines[1].get(transformers)
        beside, above = _place(row, transformers), _place(column, timm)
        covering = tuple(within(first, transformers) and within(second, timm) for first, second in self.causes)
        return timm, beside, above and (transformers, above), covering if beside or above else ()


def _place(line: Sequence[tuple[Version, Releases]] | None, release: str) -> int | None:
    """Between which of the measured pairs of a line a release lies; None if it does not."""
    place = bisect(line, Version(release), key=itemgetter(0)) if line else 0
    return place if line and 0 < place < len(line) else None


def _classes(measured: Iterable[str], lane: str) -> list[tuple[str, ...]]:
    """The models of all packaged catalogs, those together of which the atlas must say the same; names in order."""
    entries: dict[str, dict[str, Entry]] = defaultdict(dict)
    for timm in names.packaged():
        for entry in names.catalog_of(timm):
            entries[entry.model][timm] = entry
    alike: dict[Any, list[str]] = defaultdict(list)
    measured = frozenset(measured)
    about = {text: _rules(entry, lane) for text, entry in _distinct(entries.values())}
    for model, by_timm in sorted(entries.items()):
        kinds = tuple((timm, entry.kind, about[repr(entry)]) for timm, entry in by_timm.items())
        alike[model if model in measured else kinds].append(model)
    return [tuple(models) for models in alike.values()]


def _distinct(entries: Iterable[Mapping[str, Entry]]) -> Iterator[tuple[str, Entry]]:
    """What the catalogs say of models, each once, with its text: most say of most models what others say."""
    return iter({repr(entry): entry for by_timm in entries for entry in by_timm.values()}.items())


def _rules(entry: Entry, lane: str) -> frozenset[tuple[str, str]]:
    """The rules that are about a model, with the route, whatever the release."""
    return frozenset(
        (rule.id, route)
        for rule in rules.known().values()
        for route in rule.routes
        if applies_to(rule, Case(route, entry.model, size=Size.NARROW), lane, entry)
    )
