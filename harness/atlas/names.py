"""The models of a timm release by name, and which measured one stands for another."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from typing import Final

from packaging.version import Version

from ..config.errors import BadInput
from ..contract.case import Case, Size
from ..contract.catalog import BERT, Catalog, Entry
from ..contract.finding import printable
from ..environments import catalog_history
from . import rules
from .entries.entry import LaneEntry, PairEntry, RouteEntry

NEAR: Final = 3  # names
FROM_HUB: Final = re.compile(r"^(hf[-_]hub:)?(timm/)?")


def stands_for(results: RouteEntry, model: str, pair: PairEntry, lane: LaneEntry) -> str:
    """The measured model whose result is that of `model`: itself, or one of its kind; empty if there is none.

    None stands for another on a route that few models of the lane were tried on, nor where matrix.yaml has a rule for
    only one of the two.
    """
    if model in results.models:
        return model
    catalog = catalog_of(pair.versions["timm"])
    asked = catalog.get(model)
    if asked is None or 2 * len(results.models) < len(lane.models):
        return ""
    alike = (other for other in results.models if (entry := catalog.get(other)) and entry.kind == asked.kind)
    other = next(alike, "")

    def known(name: str) -> frozenset[str]:
        about = causes_of(pair.versions["timm"], results.route, name, lane.size, lane.lane)
        return about & rules.covering(*(pair.versions[package] for package in rules.RELEASES))

    return other if other and known(model) == known(other) else ""


@cache
def causes_of(timm: str, route: str, model: str, size: str, lane: str) -> frozenset[str]:
    """The ids of the causes that a case with a timm may have, whatever transformers; none if timm lacks the model."""
    entry = BERT if model == BERT.model else catalog_of(timm).get(model)
    return _causes(_Described(repr(entry), entry), route, size, lane) if entry else frozenset()


@dataclass(frozen=True)
class _Described:
    """A model as a catalog describes it, by the text of that: most releases of timm describe it alike."""

    text: str
    entry: Entry = field(compare=False)


@cache
def _causes(described: _Described, route: str, size: str, lane: str) -> frozenset[str]:
    return rules.about(Case(route, described.entry.model, size=Size(size)), lane, described.entry)


@cache
def catalog_of(timm: str) -> Catalog:
    """The catalog of a timm release, or of the packaged one next to it. Raises BadInput if there is none."""
    there, asked = list(map(Version, packaged())), Version(timm)
    nearest = max((one for one in there if one <= asked), default=min(there, default=None))
    found = catalog_history.read(str(nearest)) if nearest else None
    if found is None:
        raise BadInput("this package has no catalogs; install it again")
    return found


def packaged() -> Sequence[str]:
    """The timm releases with a catalog in this package, oldest first."""
    return catalog_history.releases()


def has(timm: str, model: str) -> bool | None:
    """Whether a timm has a model; None if no packaged catalog says."""
    catalog = catalog_of(timm)
    there = catalog.get(model) is not None
    return there if catalog.timm == timm else there or None


def as_of_timm(typed: str) -> str:
    """A name or glob as timm's architectures have it, of one that is copied from the hub, with the tag of its weights.

    >>> as_of_timm("hf-hub:timm/convnext_base.fb_in22k")
    'convnext_base'
    """
    name = FROM_HUB.sub("", typed.strip().lower())
    untagged = name.partition(".")[0]
    return untagged if any(map(str.isalnum, untagged)) else name  # of a tag alone no model is named


def fits_any(timm: str, glob: str) -> bool:
    """Whether a name or glob fits a model of a timm."""
    pattern = as_of_timm(glob)
    return any(fnmatchcase(entry.model, pattern) for entry in catalog_of(timm))


def named(timm: str, globs: Sequence[str]) -> list[str]:
    """The models of a timm that globs name. Raises BadInput for a glob that names none."""
    catalog = catalog_of(timm)
    names = [entry.model for entry in catalog]
    for glob in globs:
        if not fits_any(timm, glob):
            near = difflib.get_close_matches(as_of_timm(glob), names, NEAR)
            hint = f"; near: {', '.join(near)}" if near else ""
            name = printable(glob)
            raise BadInput(f"timm {catalog.timm} has no LayerScale model {name}, and no control of that name{hint}")
    patterns = [as_of_timm(glob) for glob in globs]
    return [name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)]
