"""A case that shows what a rule explains, where no script does: one that was measured, or else one that fits it."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from packaging.version import Version

from ..atlas import names, proof
from ..atlas.answer import LANE
from ..atlas.entries import pair_files
from ..config.errors import BadInput
from ..config.expectation import Rule
from ..config.matrix import Matrix
from ..config.pair import Pair
from ..contract.case import DEFAULT_SIZE, DEFAULT_VARIANT, Case, Size
from ..contract.catalog import BERT, Entry
from ..contract.lane_name import COMPANIONS
from ..contract.matching import applies_to, covers_releases, within
from ..contract.routes import COMPANION_OF, OWN, ROUTES
from ..environments import pypi
from ..report import reproduction

OLDEST_TORCH: Final = Version("2.6")
TORCHVISION: Final = 15
"""torchvision 0.29 is for torch 2.14, and so on."""


@dataclass(frozen=True)
class ShownCase:
    """A case with its pair and lane, and the day on which it was measured; empty if it was not."""

    pair: Pair
    lane: str
    case: Case
    day: str = ""

    @property
    def command(self) -> str:
        """What runs it in a checkout of this project."""
        case = self.case
        named = ["--lane", self.lane, "--route", case.route, "--model", case.model, "--variant", case.variant]
        size = ["--size", case.size] if case.size != DEFAULT_SIZE else []
        pins = reproduction.session("pair", reproduction.pins(self.pair), reproduction.DEFAULT_MATRIX)
        return shlex.join([*pins, *named, *size])


def of_rule(rule: Rule, described: Matrix, pair: Pair | None = None) -> ShownCase:
    """The newest case on which a rule was seen, of a pair if one is named. Raises BadInput if it fits no model."""
    known = sorted((*_of_atlas(rule, described), *_of_edges(rule, described)), key=_age)
    fitting = [shown for shown in known if pair in {None, shown.pair} and _covers(rule, shown.pair)]
    return fitting[-1] if fitting else _planned(rule, described, pair)


def _age(shown: ShownCase) -> tuple[Version, Version]:
    return Version(shown.pair.transformers), Version(shown.pair.timm)


def _covers(rule: Rule, pair: Pair) -> bool:
    return covers_releases(rule, pair.transformers, pair.timm, pair.torch)


def _of_atlas(rule: Rule, described: Matrix) -> Iterator[ShownCase]:
    for releases, measured in pair_files.read().items():
        transformers, timm = releases
        pair = described.current_pair.with_versions(transformers=transformers, timm=timm)
        for lane in measured.lanes.values():
            cases = (
                Case(route.route, cause.models[0], DEFAULT_VARIANT, _size(timm, cause.models[0]))
                for route in lane.routes.values()
                for cause in route.causes
                if rule.id in cause.rules
            )
            yield from (ShownCase(pair, lane.lane, case, lane.day) for case in cases)


def _of_edges(rule: Rule, described: Matrix) -> Iterator[ShownCase]:
    for told in proof.read():
        if told.edge.bound.rule == rule.id and told.state is proof.State.PROVEN and told.by:
            releases = told.edge.releases(told.edge.inside)
            pair = _pair(described, rule, releases["transformers"], releases["timm"])
            yield ShownCase(pair, told.lane, Case.parse(told.by[0]), told.day)


def _planned(rule: Rule, described: Matrix, pair: Pair | None) -> ShownCase:
    """The smallest case to which a rule applies, which was not measured."""
    pairs = [pair] if pair else [described.current_pair, *reversed(described.pairs)]
    lane, variant = lane_of(rule), (rule.variants or (DEFAULT_VARIANT,))[0]
    for other in (other for other in pairs if _covers(rule, other)):
        entries = sorted(names.catalog_of(other.timm), key=lambda entry: entry.params)
        for route in (route for route in rule.routes if route != OWN):
            known = entries if ROUTES[route].has_timm else [BERT]
            cases = ((case_of(route, model, variant), model) for model in known)
            if found := next((case for case, model in cases if applies_to(rule, case, lane, model)), None):
                return ShownCase(other, lane, found)
    raise BadInput(f"{rule.id}: no script shows it, nor a case of matrix.yaml; name a pair that it is about")


def _pair(described: Matrix, rule: Rule, transformers: str, timm: str) -> Pair:
    pair = described.current_pair.with_versions(transformers=transformers, timm=timm)
    if rule.torch is None or within(rule.torch, pair.torch):
        return pair
    return pair.with_versions(**torch_within(rule.torch, described.defaults.python))


def lane_of(rule: Rule) -> str:
    """The first lane of a CPU that the rule names, or the usual one; with companions if nothing of it runs without."""
    lane = next((lane for lane in rule.lanes or (LANE,) if lane.startswith("cpu")), LANE)
    own = [route for route in rule.routes if route != OWN]
    needed = own and all(ROUTES[route].companion for route in own)
    needed = needed or all(variant in COMPANION_OF for variant in rule.variants or (DEFAULT_VARIANT,))
    return f"{lane}{COMPANIONS}" if needed else lane


@cache
def torch_within(wanted: str, python: str) -> Mapping[str, str]:
    """The newest torch of a range, with the torchvision that was made for it. Raises BadInput without one."""
    there = (release.version for release in pypi.since("torch", OLDEST_TORCH, python))
    releases = [version for version in there if within(wanted, version)]
    if not releases:
        raise BadInput(f"no torch from {OLDEST_TORCH} on is {wanted}")
    major, minor, micro = Version(releases[-1]).release[:3]
    return {"torch": releases[-1], "torchvision": f"{major - 2}.{minor + TORCHVISION}.{micro}"}


def case_of(route: str, entry: Entry, variant: str = DEFAULT_VARIANT) -> Case:
    """The case of a model on a route, as small as it can be made."""
    return Case(route, entry.model, variant, Size.SLIM if entry.narrow is None else Size.NARROW)


def _size(timm: str, model: str) -> Size:
    """The size at which the atlas has a model."""
    found = names.catalog_of(timm).get(model)
    return Size.SLIM if found is None or found.narrow is None else Size.NARROW
