"""The pages of a site beside its front: by address, what each shows."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from packaging.version import Version

from ..atlas import moving, names, proof, words
from ..atlas.answer import PACKAGES, Releases
from ..atlas.rules import KnownCause, known
from ..config.text import number
from ..contract.catalog import Entry
from ..contract.matching import within
from ..contract.routes import ROUTES
from ..report import routes_page
from .frame import Frame, by_release, counts_of, item
from .grid import NAME
from .remedy_code import of_remedy
from .snippets import SNIPPETS

NO_REMEDY: Final = {"move": "another release", "none": "none"}
Groups = Sequence[tuple[str, list[Mapping[str, str]]]]
"""Of a list of pages: headings, and the lines under each."""


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
        yield "night.html", self.night()
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

    def _list(self, here: str, title: str, groups: Groups, style: str = "names") -> str:
        return self.frame.render("list.html", {"title": title, "groups": groups, "style_of": style}, root="", here=here)

    def _routes(self) -> Groups:
        items = [item(f"route/{name}.html", name, routes_page.of_route(name)[0]) for name in self.frame.grid.routes]
        return [("The public roads into transformers", items)]

    def _rules(self) -> Groups:
        """The causes: those that the current pair has, and the others."""
        now = self._cases_of[self.frame.current]
        here: list[Mapping[str, str]] = []
        elsewhere: list[Mapping[str, str]] = []
        for rule in known().values():
            (here if rule.id in now else elsewhere).append(item(f"rule/{rule.id}.html", rule.because, rule.releases))
        groups = ((f"In {words.pairs([self.frame.current])}", here), ("In other releases alone", elsewhere))
        return [(heading, items) for heading, items in groups if items]

    def _families(self) -> Groups:
        return [
            (family, [item(f"model/{entry.model}.html", entry.model) for entry in entries])
            for family, entries in self.frame.families.items()
        ]

    def _releases(self) -> Groups:
        return [
            (package, [self._of_release(axis, release) for release in reversed(self.frame.grid.releases[axis])])
            for axis, package in enumerate(PACKAGES)
        ]

    def _of_release(self, axis: int, release: str) -> Mapping[str, str]:
        broke, mended = self.changes(axis, release)
        told = ", ".join(f"{verb} {len(rules)}" for verb, rules in (("broke", broke), ("mended", mended)) if rules)
        return item(f"{PACKAGES[axis]}/{release}.html", release, told)

    def _route(self, name: str) -> str:
        does, compared = routes_page.of_route(name)
        row = ROUTES[name]
        causes = [rule for rule in known().values() if name in rule.routes]
        facts = {"since": row.since, "companion": row.companion, "instead": row.instead}
        rows = self.frame.rows(self.frame.grid.asked, [name])
        shown = {"name": name, "does": does, "compared": compared, "code": SNIPPETS[name], "causes": causes, **facts}
        return self.frame.render("route.html", {**shown, "route": name, "measured_pairs": rows}, here="routes")

    def _rule(self, rule: KnownCause) -> str:
        edges = [found for found in self._proofs if found.edge.bound.rule == rule.id]
        remedy = NO_REMEDY.get(rule.remedy, f"the function {rule.remedy}, run for every case that has this cause")
        seen = {pair: number(rules[rule.id], "case") for pair, rules in self._cases_of.items() if rules[rule.id]}
        about = {"rule": rule, "edges": edges, "remedy": remedy, "seen": seen, "routes": self.frame.grid.routes}
        traits = ", ".join(_trait(name, wanted) for name, wanted in (rule.where or {}).items())
        about |= {"code": of_remedy(rule.remedy), "traits": traits}
        return self.frame.render("rule.html", about, here="rules")

    @cached_property
    def _proofs(self) -> list[proof.Proof]:
        return sorted(proof.read(), key=lambda found: str(found.edge.bound))

    @cached_property
    def _cases_of(self) -> Mapping[Releases, Counter[str]]:
        """By measured pair, how many of its cases have each cause."""
        return {
            pair: Counter(
                rule for part in self.frame.measured_of(pair) for rule in {*part.rules, *part.mended, *part.changed}
            )
            for pair in self.frame.grid.asked
        }

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
        parts = [grid.part(current, route, entry.model) for route in grid.routes if ROUTES[route].has_timm]
        timms = self._timms_with[entry.model]
        last = f"to {timms[-1]}" if timms[-1] != names.packaged()[-1] else "and later"
        stands = next((part.measured for part in parts if part.measured not in {"", entry.model, NAME}), "")
        about = {"name": entry.model, "entry": entry, "parts": parts, "timms": f"{timms[0]} {last}", "stands": stands}
        found, run = counts_of(parts), bool(self._run_of([entry.model]))
        return self.frame.render("model.html", {**about, "found": found, "run": run, "current": current}, here="models")

    def changes(self, axis: int, release: str) -> tuple[list[KnownCause], list[KnownCause]]:
        """The causes that begin with a release, and those that end with it, by the release before it."""
        releases = self.frame.grid.releases[axis]
        place = releases.index(release)
        if place == 0:
            return [], []
        before = releases[place - 1]
        bounds = [(rule, (rule.transformers, rule.timm)[axis]) for rule in known().values()]
        return (
            [rule for rule, of in bounds if within(of, release) and not within(of, before)],
            [rule for rule, of in bounds if within(of, before) and not within(of, release)],
        )

    def _release(self, axis: int, release: str) -> str:
        releases = self.frame.grid.releases[axis]
        place, (broke, mended) = releases.index(release), self.changes(axis, release)
        beside = {"before": releases[place - 1] if place else "", "after": (*releases, "")[place + 1]}
        pins = " ".join(
            f"{name}=={release if other == axis else self.frame.current[other]}" for other, name in enumerate(PACKAGES)
        )
        about = {"package": PACKAGES[axis], "release": release, "broke": broke, "mended": mended, "command": pins}
        rows = self.frame.rows(self.frame.grid.of_release(PACKAGES[axis], release))
        return self.frame.render(
            "release.html", {**about, **beside, "measured_pairs": rows, "route": ""}, here="releases"
        )

    def night(self) -> str:
        """What was measured on the last day, and what it changes for somebody who comes from the release before."""
        last = max(self.frame.grid.days.values(), default="")
        fresh = [pair for pair, day in self.frame.grid.days.items() if day == last]
        news = [{**row, **self._move(row["pair"])} for row in self.frame.rows(fresh)]
        return self.frame.render("night.html", {"news": news}, root="", here="night")

    def _move(self, pair: Releases) -> Mapping[str, Any]:
        """The measured pair before this one, with the same release of the other package, and the sentence of a move."""
        before = [
            other
            for axis in (0, 1)
            for other in self.frame.grid.asked
            if other[1 - axis] == pair[1 - axis] and Version(other[axis]) < Version(pair[axis])
        ]
        if not before:
            return {"before": None, "move": ""}
        start = max(before, key=by_release)
        return {"before": start, "move": words.verdict(moving.between(self.frame.atlas, start, pair))}


def _trait(name: str, wanted: Any) -> str:
    """What a rule asks of a model: `gamma keys`, `no classifier`, or `family: beit or eva`."""
    told = name.replace("_", " ")
    if isinstance(wanted, bool):
        return told if wanted else f"no {told}"
    return f"{told}: {wanted if isinstance(wanted, str | int) else ' or '.join(map(str, wanted))}"
