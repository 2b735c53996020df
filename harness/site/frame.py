"""What every page of a site has: its frame, the models by family, and what was measured of a pair."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup, escape
from packaging.version import Version

from ..atlas import names, words
from ..atlas.answer import Part, Releases, State, worst
from ..atlas.measured import Atlas
from ..atlas.rules import known
from ..config.text import capitalised, number
from ..contract.case import Size
from ..contract.catalog import BERT, Entry
from ..contract.routes import ROUTES
from ..report.formats import inline, template
from .grid import Grid


def coded(text: str) -> Markup:
    """A text of the docs as a page has it: what stands between backticks is code."""
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part)
        for place, part in enumerate(text.split("`"))
    )


FOLDER: Final = Path(__file__).parent
_TEMPLATES: Final = template.environment(FOLDER / "templates")
_TEMPLATES.filters["capitalised"] = capitalised
_TEMPLATES.filters["coded"] = coded


@dataclass(frozen=True)
class Frame:
    """What all pages of a site are made of. `current` is the pair that they begin with; `made` is the day.

    `reasons` are those of causes that the package lacks, by rule.
    """

    atlas: Atlas
    grid: Grid
    current: Releases
    made: str
    reasons: Mapping[str, str] = field(default_factory=dict)

    def render(self, page: str, values: Mapping[str, Any], *, root: str = "../", here: str = "") -> str:
        """A filled template. `root` leads to the front page; `here` is the page of the head that is open."""
        days = sorted(self.grid.days.values())
        about = {"measured": f"{number(len(days), 'pair')} measured", "last": days[-1], "made": self.made}
        about["sizes"] = self.sizes
        frame = {"lane": self.grid.lane, "policy": self._policy, "linked": True, "root": root, "here": here}
        linking = {"pageless": self.pageless}
        shown = {**about, **frame, **linking, **values, "style": Markup(self.style)}  # noqa: S704  our own
        return _TEMPLATES.get_template(page).render(shown)

    @property
    def sizes(self) -> str:
        """How much of a model was built, of all that were measured: narrow, slim, or both."""
        there = {lane.size for lane in self.atlas.lanes.values()}
        return " or ".join(size for size in Size if size in there)

    @cached_property
    def pageless(self) -> Mapping[str, str]:
        """By rule, the causes that have no page: one's own with the reason; of old entries without, for it is gone."""
        named = {rule for part in self.grid.parts for rule in (*part.rules, *part.mended, *part.changed)}
        return {rule: self.reasons.get(rule, "") for rule in sorted(named - known().keys())}

    @cached_property
    def style(self) -> str:
        """The style of all pages."""
        return (FOLDER / "web" / "site.css").read_text(encoding="utf-8")

    @cached_property
    def _policy(self) -> str:
        return inline.policy(self.style)

    @cached_property
    def entries(self) -> Mapping[str, Entry]:
        """The models of all packaged catalogs, each as the newest timm that has it describes it."""
        return {entry.model: entry for timm in names.packaged() for entry in names.catalog_of(timm)}

    @cached_property
    def families(self) -> Mapping[str, list[Entry]]:
        """Those of each family."""
        by_family: dict[str, list[Entry]] = defaultdict(list)
        for _, entry in sorted(self.entries.items()):
            by_family[entry.family].append(entry)
        return dict(sorted(by_family.items()))

    def answers(self, pair: Releases, routes: Iterable[str] | None = None) -> list[Part]:
        """What `ask` answers of a measured pair: each of the models on each route, or on some."""
        return [
            self.grid.part(pair, route, model)
            for route in routes or self.grid.routes
            for model in (self.atlas.models(pair, route) if ROUTES[route].has_timm else (BERT.model,))
        ]

    def rows(self, pairs: Iterable[Releases], routes: Iterable[str] | None = None) -> list[Mapping[str, Any]]:
        """For the table of measured pairs, the newest first."""
        newest = sorted(pairs, key=by_release, reverse=True)
        told = {pair: counts_of(self.answers(pair, routes)) for pair in newest}
        return [{"pair": pair, "counts": counts, "state": worst(counts)} for pair, counts in told.items() if counts]


def by_release(pair: Releases) -> list[Version]:
    """What puts pairs in order: by transformers, then by timm."""
    return [Version(release) for release in pair]


def counts_of(parts: Iterable[Part]) -> dict[State, int]:
    """How many parts are in each state, in the order of reports."""
    counts = Counter(part.state for part in parts)
    return {state: counts[state] for state in words.ORDER if counts[state]}


def item(address: str, text: str, more: str = "") -> Mapping[str, str]:
    """A line of a list of pages."""
    return {"address": address, "text": text, "more": more}
