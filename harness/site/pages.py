"""The pages of a site beside its front: by address, what each shows."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from ..atlas import names, proof, words
from ..atlas.answer import Part, Releases
from ..atlas.bounds import OTHER
from ..atlas.entries.parts import OF_TIMM
from ..atlas.rules import KnownCause, known
from ..config.pin_files.reading import PACKAGES
from ..config.text import number
from ..contract.catalog import BERT, Entry
from ..contract.matching import within
from ..contract.routes import ROUTES
from ..report import routes_page
from . import night
from .frame import Frame, by_release, counts_of, item
from .grid import NAME
from .remedy_code import of_remedy, usage
from .snippets import SNIPPETS

NO_REMEDY: Final = {
    "move": "none but another release",
    "none": "none that code can apply; what to do by hand stands above",
}
BROKE: Final = "What it broke"
MENDED: Final = "What it mended"
OTHERWISE: Final = "What it computes otherwise"
Groups = Sequence[tuple[Mapping[str, str], list[Mapping[str, str]]]]
"""Of a list of pages: headings, which may lead to a page too, and the lines under each."""


@dataclass(frozen=True)
class Pages:
    """The pages of a site."""

    frame: Frame

    def all(self) -> Iterator[tuple[str, str]]:
        """Each page: its path within the site, and its text."""
        yield "routes.html", self._list("routes", "Routes", self._routes(), style="causes")
        yield "rules.html", self._list("rules", "Causes", self._rules(), style="causes")
        yield "models.html", self._list("models", "Models of timm with a LayerScale", self._families())
        yield "releases.html", self._list("releases", "Releases", self._releases())
        yield "night.html", night.page(self.frame)
        for route in self.frame.grid.routes:
            yield f"route/{route}.html", self._route(route)
        for rule in known().values():
            yield f"rule/{rule.id}.html", self._rule(rule)
        for family, entries in self.frame.families.items():
            yield f"family/{family}.html", self._family(family, entries)
        for entry in self.frame.entries.values():
            yield f"model/{entry.model}.html", self._model(entry)
        for axis, package in enumerate(PACKAGES):
            for release in self.frame.grid.releases[axis]:
                yield f"{package}/{release}.html", self._release(axis, release)

    @cached_property
    def _timms_with(self) -> Mapping[str, list[str]]:
        """By model, the packaged timm releases that have it."""
        timms: dict[str, list[str]] = defaultdict(list)
        for timm in names.packaged():
            for entry in names.catalog_of(timm):
                timms[entry.model].append(timm)
        return timms

    @cached_property
    def _new_with(self) -> Mapping[str, list[str]]:
        """By timm release, the models that no packaged release before it has; none for the first of these."""
        models: dict[str, list[str]] = defaultdict(list)
        for model, timms in sorted(self._timms_with.items()):
            if timms[0] != names.packaged()[0]:
                models[timms[0]].append(model)
        return models

    def _list(self, here: str, title: str, groups: Groups, style: str = "names") -> str:
        return self.frame.render("list.html", {"title": title, "groups": groups, "style_of": style}, root="", here=here)

    def _routes(self) -> Groups:
        items = [item(f"route/{name}.html", name, routes_page.of_route(name)[0]) for name in self.frame.grid.routes]
        return [(item("", "The public roads into transformers"), items)]

    def _rules(self) -> Groups:
        """The causes: those that the current pair has, and the others."""
        now = self._parts_with[self.frame.current]
        here: list[Mapping[str, str]] = []
        elsewhere: list[Mapping[str, str]] = []
        for rule in known().values():
            (here if rule.id in now else elsewhere).append(item(f"rule/{rule.id}.html", rule.because, rule.releases))
        groups = ((f"In {words.pairs([self.frame.current])}", here), ("In other releases alone", elsewhere))
        return [(item("", heading), items) for heading, items in groups if items]

    def _families(self) -> Groups:
        return [
            (
                item(f"family/{family}.html", family),
                [item(f"model/{entry.model}.html", entry.model) for entry in entries],
            )
            for family, entries in self.frame.families.items()
        ]

    def _releases(self) -> Groups:
        return [
            (
                item("", package),
                [self._of_release(axis, release) for release in reversed(self.frame.grid.releases[axis])],
            )
            for axis, package in enumerate(PACKAGES)
        ]

    def _of_release(self, axis: int, release: str) -> Mapping[str, str]:
        changes = self._changes(axis, release)
        summary = ", ".join(f"{title.removeprefix('What it ')} {len(rules)}" for title, rules in changes.items())
        return item(f"{PACKAGES[axis]}/{release}.html", release, summary)

    def _route(self, name: str) -> str:
        does, compared = routes_page.of_route(name)
        row = ROUTES[name]
        causes = [rule for rule in known().values() if name in rule.routes]
        facts: dict[str, Any] = {"since": row.since, "companion": row.companion, "instead": row.instead}
        rows = self.frame.rows(self.frame.grid.asked, [name])
        models = self.frame.atlas.models(self.frame.current, name) if row.has_timm else ()
        facts |= {"models": models, "current": self.frame.current}
        shown = {"name": name, "does": does, "compared": compared, "code": SNIPPETS[name], "causes": causes, **facts}
        return self.frame.render("route.html", {**shown, "route": name, "measured_pairs": rows}, here="routes")

    def _rule(self, rule: KnownCause) -> str:
        edges = [found for found in self._proofs if found.edge.bound.rule == rule.id]
        remedy = NO_REMEDY.get(rule.remedy, f"the function {rule.remedy}, run for every case that has this cause")
        seen = {pair: number(len(of[rule.id]), "case") for pair, of in self._parts_with.items() if rule.id in of}
        about = {
            "rule": rule,
            "edges": edges,
            "other": OTHER,
            "remedy": remedy,
            "seen": seen,
            "routes": self.frame.grid.routes,
        }
        traits = ", ".join(_trait(name, wanted) for name, wanted in (rule.where or {}).items() if wanted != "*")
        about |= {"code": of_remedy(rule.remedy), "traits": traits, "usage": usage(rule.remedy)}
        about |= {"having": self._models_with(rule.id), "routes": self.frame.grid.routes}
        return self.frame.render("rule.html", about, here="rules")

    @cached_property
    def _proofs(self) -> list[proof.Proof]:
        return sorted(proof.read(), key=lambda found: str(found.edge.bound))

    @cached_property
    def _parts_with(self) -> Mapping[Releases, Mapping[str, list[Part]]]:
        """By measured pair, the newest first, and by cause, its answers that have the cause."""
        parts_with: dict[Releases, dict[str, list[Part]]] = {}
        for pair in sorted(self.frame.grid.asked, key=by_release, reverse=True):
            having: dict[str, list[Part]] = defaultdict(list)
            for part in self.frame.answers(pair):
                for rule in {*part.rules, *part.mended, *part.changed}:
                    having[rule].append(part)
            parts_with[pair] = having
        return parts_with

    def _models_with(self, rule: str) -> list[str]:
        """The models that have a cause with the newest measured pair in which one has it."""
        by_pair = (having.get(rule, ()) for having in self._parts_with.values())
        models = ({part.model for part in parts if ROUTES[part.route].has_timm} for parts in by_pair)
        return sorted(next(filter(None, models), ()))

    def _family(self, family: str, entries: Sequence[Entry]) -> str:
        models = [entry.model for entry in entries]
        return self.frame.render(
            "family.html", {"name": family, "models": models, "run": self._run_of(models)}, here="models"
        )

    def _run_of(self, models: Iterable[str]) -> list[str]:
        """Those that were run with the current pair."""
        there = self.frame.atlas.lanes[self.frame.current].models
        return [model for model in models if model in there]

    def _model(self, entry: Entry) -> str:
        grid, current = self.frame.grid, self.frame.current
        parts = [grid.part(current, route, entry.model) for route in grid.routes]
        timms = self._timms_with[entry.model]
        own = {"", entry.model, NAME, BERT.model}
        stands = next((part.measured for part in parts if part.measured not in own), "")
        about = {"name": entry.model, "entry": entry, "parts": parts, "timms": timms, "stands": stands}
        about["later"] = timms[-1] == names.packaged()[-1]
        found, run = counts_of(parts), bool(self._run_of([entry.model]))
        return self.frame.render("model.html", {**about, "found": found, "run": run, "current": current}, here="models")

    def _changes(self, axis: int, release: str) -> Mapping[str, list[KnownCause]]:
        """What a release changed by the release before it: causes that begin, that end, and other numbers of timm's."""
        releases = self.frame.grid.releases[axis]
        place = releases.index(release)
        before = releases[place - 1] if place else release
        changes: dict[str, list[KnownCause]] = {BROKE: [], MENDED: [], OTHERWISE: []}
        for rule in known().values():
            of = (rule.transformers, rule.timm)[axis]
            has, had = within(of, release), within(of, before)
            if has and not had:
                changes[OTHERWISE if rule.id.startswith(OF_TIMM) else BROKE].append(rule)
            elif had and not has and not rule.id.startswith(OF_TIMM):
                changes[MENDED].append(rule)
        return {title: rules for title, rules in changes.items() if rules}

    def _release(self, axis: int, release: str) -> str:
        releases = self.frame.grid.releases[axis]
        place = releases.index(release)
        beside = {"before": releases[place - 1] if place else "", "after": (*releases, "")[place + 1]}
        pins = " ".join(
            f"{name}=={release if other == axis else self.frame.current[other]}" for other, name in enumerate(PACKAGES)
        )
        about = {
            "package": PACKAGES[axis],
            "release": release,
            "command": pins,
            "changes": self._changes(axis, release),
            "broke": BROKE,
            "route": "",
        }
        models = self._new_with[release] if PACKAGES[axis] == "timm" else []
        rows = self.frame.rows(self.frame.grid.of_release(PACKAGES[axis], release))
        return self.frame.render(
            "release.html", {**about, **beside, "models": models, "measured_pairs": rows}, here="releases"
        )


def _trait(name: str, wanted: Any) -> str:
    """What a rule asks of a model: `gamma keys`, `no classifier`, or `family: beit or eva`."""
    told = name.replace("_", " ")
    if isinstance(wanted, bool):
        return told if wanted else f"no {told}"
    return f"{told}: {wanted if isinstance(wanted, str | int) else ' or '.join(map(str, wanted))}"
