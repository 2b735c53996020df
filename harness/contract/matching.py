"""Whether a rule applies to a case, and explains a finding.

Standard library and packaging only: both sides of the wall use it.
"""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, Protocol, TypeVar

from packaging.specifiers import SpecifierSet

from . import lane_name
from .case import Case
from .catalog import Entry
from .finding import Finding
from .routes import rules_of


class Restrictions(Protocol):
    """The restrictions of a rule; None restricts nothing."""

    @property
    def routes(self) -> Any:
        """Names of routes."""

    @property
    def models(self) -> Any:
        """Globs of model names."""

    @property
    def where(self) -> Mapping[Any, Any] | None:
        """The wanted value of each trait."""

    @property
    def transformers(self) -> str | None:
        """A range of releases."""

    @property
    def timm(self) -> str | None:
        """A range of releases."""

    @property
    def torch(self) -> str | None:
        """A range of releases."""

    @property
    def lanes(self) -> Any:
        """Names of lanes."""

    @property
    def variants(self) -> Any:
        """Names of variants."""

    @property
    def sizes(self) -> Any:
        """Names of sizes."""


class Explaining(Protocol):
    """The findings that a rule explains."""

    @property
    def scenarios(self) -> Any:
        """Globs of names of scenarios; None for all."""

    @property
    def finds(self) -> Any:
        """Patterns of findings."""


AnyRule = TypeVar("AnyRule", bound=Restrictions)


def applies_to(rule: Restrictions, case: Case, lane: str, entry: Entry, *, folder: bool = False) -> bool:
    """Whether a rule applies to a case of a lane, its releases aside.

    `entry` has the traits of the case's model; the names of both can match. `folder`: the checkpoint was written
    elsewhere, as timm writes it for the hub.
    """
    names = {case.model, entry.model}
    return (
        any(route in rule.routes for route in rules_of(case.route, folder=folder))
        and (rule.lanes is None or not {lane, lane_name.plain(lane)}.isdisjoint(rule.lanes))
        and (rule.variants is None or case.variant in rule.variants)
        and (rule.sizes is None or case.size in rule.sizes)
        and (rule.models is None or any(fnmatchcase(name, glob) for glob in rule.models for name in names))
        and all(_matches(wanted, entry.traits[trait]) for trait, wanted in (rule.where or {}).items())
    )


def applying(rules: Iterable[AnyRule], case: Case, lane: str, entry: Entry, *, folder: bool = False) -> list[AnyRule]:
    """The rules that apply to a case of a lane."""
    return [rule for rule in rules if applies_to(rule, case, lane, entry, folder=folder)]


def explains(rule: Explaining, scenario: str, finding: Finding) -> bool:
    """Whether a rule that applies to a case explains a finding of one of its scenarios."""
    return covers_scenario(rule, scenario) and any(_fits(pattern, finding) for pattern in rule.finds)


def covers_scenario(rule: Explaining, scenario: str) -> bool:
    """Whether a rule that applies to a case is about one of its scenarios."""
    return rule.scenarios is None or any(fnmatchcase(scenario, glob) for glob in rule.scenarios)


def _fits(pattern: Any, finding: Finding) -> bool:
    wanted = ((pattern.where, finding.where), (pattern.what, finding.what), (pattern.how, finding.how))
    return pattern.kind == finding.kind and all(glob is None or fnmatchcase(text, glob) for glob, text in wanted)


def covers_releases(rule: Restrictions, transformers: str, timm: str, torch: str) -> bool:
    """Whether a rule's ranges contain these releases."""
    return within(rule.transformers, transformers) and within(rule.timm, timm) and within(rule.torch, torch)


@cache
def within(specifier: str | None, version: str) -> bool:
    """Whether a range contains a release; no range contains every release."""
    return specifier is None or SpecifierSet(specifier).contains(version, prereleases=True)


def _matches(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, list):
        return any(_matches(item, value) for item in wanted)
    if isinstance(wanted, bool):
        return bool(value) is wanted
    if isinstance(wanted, str):
        return fnmatchcase(str(value), wanted)
    return bool(value == wanted)
