"""What was measured of one pair: its lanes, their routes, and what is not green there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from packaging.version import Version

from ...config.pin_files.reading import PACKAGES
from ...config.pins import pair_id
from ..answer import Releases


@dataclass(frozen=True)
class Cause:
    """Scenarios of a route that are not green in the same way, the rules that explain it, and the models concerned.

    `remedied`: with the remedies of the rules all of it is green. `finding` is what no rule explains, or empty.
    """

    outcome: str
    scenarios: tuple[str, ...]
    rules: tuple[str, ...]
    models: tuple[str, ...]
    remedied: bool = False
    finding: str = ""

    @property
    def key(self) -> tuple[Any, ...]:
        """Everything but the models."""
        return self.outcome, self.scenarios, self.rules, self.remedied, self.finding


@dataclass(frozen=True)
class RouteEntry:
    """The results of a route in a lane.

    `cell` is the digest of what ran its cases, `models` those that have one, `passed` how many are green, `open` those
    whose case has no result, `unsupported` those that the pair cannot have there, by the reason.
    """

    route: str
    cell: str
    models: tuple[str, ...]
    passed: int
    open: tuple[str, ...] = ()
    unsupported: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    causes: tuple[Cause, ...] = ()

    def refuse_untrue(self) -> None:
        """Raises ValueError for results that no route can have."""
        named = [self.open, *self.unsupported.values(), *(cause.models for cause in self.causes)]
        other = {model for models in named for model in models}
        if not other <= set(self.models):
            raise ValueError(f"{self.route} has a result of a model that it has no case of")
        if self.passed != len(set(self.models) - other):
            raise ValueError(f"{self.route} says that {self.passed} passed, and names others")


@dataclass(frozen=True)
class LaneEntry:
    """What a lane found on a day: the size of its models, and its routes by name.

    `failed` says why nothing could be run, if that is so.
    """

    lane: str
    day: str
    size: str
    routes: Mapping[str, RouteEntry]
    failed: str | None = None

    @cached_property
    def models(self) -> tuple[str, ...]:
        """The models that have a case on any of its routes."""
        return tuple(sorted({model for route in self.routes.values() for model in route.models}))

    def covers(self, other: "LaneEntry") -> bool:
        """Whether there is a result here of every model on every route of which there is one in the other."""
        return other.tried <= self.tried

    @property
    def tried(self) -> set[tuple[str, str]]:
        """The routes and models that have a result."""
        return {(name, model) for name, route in self.routes.items() for model in {*route.models} - {*route.open}}


@dataclass(frozen=True)
class PairEntry:
    """One pair: the version of each of its packages, and its lanes by name."""

    versions: Mapping[str, str]
    lanes: Mapping[str, LaneEntry]

    @property
    def releases(self) -> Releases:
        """Those of transformers and timm."""
        transformers, timm = (self.versions[package] for package in PACKAGES)
        return transformers, timm

    @property
    def id(self) -> str:
        """Its name, which begins its file's."""
        return pair_id(self.releases)

    def refuse_untrue(self) -> None:
        """Raises ValueError or KeyError for what no pair can have."""
        for release in (*self.releases, self.versions["torch"], *self.versions.values()):
            Version(release)
        for lane in self.lanes.values():
            for route in lane.routes.values():
                route.refuse_untrue()
