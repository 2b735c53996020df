"""Whether a rule speaks about a case. Standard library and packaging only: both sides of the wall ask."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, Protocol

from packaging.specifiers import SpecifierSet

from .case import Case
from .catalog import Entry
from .routes import rules_of


class Restricting(Protocol):
    """What a rule restricts; None where it does not."""

    @property
    def routes(self) -> Any:
        """The routes by name."""

    @property
    def models(self) -> Any:
        """Globs of names."""

    @property
    def where(self) -> Mapping[Any, Any] | None:
        """Traits, and what they must be."""

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
        """The lanes by name."""

    @property
    def variants(self) -> Any:
        """The variants by name."""

    @property
    def sizes(self) -> Any:
        """The sizes by name."""


def speaks_of(rule: Restricting, case: Case, lane: str, entry: Entry, *, folder: bool = False) -> bool:
    """Whatever the releases; the entry is that of the case's model, which may have another name.

    `folder`: the checkpoint is somebody's own, and as timm writes it for the hub.
    """
    names = {case.model, entry.model}
    return (
        any(route in rule.routes for route in rules_of(case.route, folder=folder))
        and (rule.lanes is None or lane in rule.lanes)
        and (rule.variants is None or case.variant in rule.variants)
        and (rule.sizes is None or case.size in rule.sizes)
        and (rule.models is None or any(fnmatchcase(name, glob) for glob in rule.models for name in names))
        and all(_matches(wanted, entry.traits[trait]) for trait, wanted in (rule.where or {}).items())
    )


def is_of(rule: Restricting, transformers: str, timm: str, torch: str) -> bool:
    """Whether it is a rule of these releases."""
    return within(rule.transformers, transformers) and within(rule.timm, timm) and within(rule.torch, torch)


@cache
def within(specifier: str | None, version: str) -> bool:
    """Whether a release is in a range; any is where there is none."""
    return specifier is None or SpecifierSet(specifier).contains(version, prereleases=True)


def _matches(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, list):
        return any(_matches(item, value) for item in wanted)
    if isinstance(wanted, bool):
        return bool(value) is wanted
    if isinstance(wanted, str):
        return fnmatchcase(str(value), wanted)
    return bool(value == wanted)
