"""Asks the atlas: which models work with a pair on which routes, with what remedy, and if not, why."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from packaging.version import InvalidVersion, Version

from ..config import asked_routes
from ..config.errors import BadInput
from ..config.pin_files.reading import EXAMPLE, PACKAGES
from ..contract.finding import printable
from . import names
from . import releases as known
from .answer import GOOD, LANE, Answer, Releases
from .entries import pair_files
from .entries.entry import PairEntry
from .measured import Atlas
from .own import over

LONGEST: Final = 30  # characters of a version


def ask(  # noqa: PLR0913  what can be asked
    transformers: str,
    timm: str,
    models: Sequence[str] = (),
    routes: Sequence[str] = (),
    *,
    lane: str = LANE,
    folder: Path = pair_files.PACKAGED,
) -> Answer:
    """What is known of a pair. `models` are names or globs of timm's models, all that were measured by default.

    Raises BadInput for a release that is none, a model, route or lane that is not there, and a file that was cut.
    """
    atlas = opened(folder, lane)
    releases = spelled(atlas, transformers, timm)
    answer = answered(atlas, releases, models, routes)
    bad = answer.state not in GOOD
    return replace(answer, nearest=tuple(atlas.nearest_good(releases, answer.parts))) if bad else answer


def answered(atlas: Atlas, releases: Releases, models: Sequence[str] = (), routes: Sequence[str] = ()) -> Answer:
    """What an atlas knows of a pair, without the nearest pairs. Raises BadInput for what does not exist."""
    parts = tuple(atlas.parts(releases, asked_for(atlas, releases, models, routes)))
    return Answer(*releases, atlas.lane, parts, (), releases in atlas.lanes)


def opened(folder: Path, lane: str, own: Iterable[PairEntry] = ()) -> Atlas:
    """A lane of the atlas, with what one's `own` runs measured over it.

    Raises BadInput for a lane in which nothing was measured.
    """
    atlas = Atlas(over(pair_files.read(folder), own), lane, known.read(folder.parent / known.NAME))
    there = sorted({name for pair in atlas.pairs.values() for name in pair.lanes})
    if there and lane not in there:
        raise BadInput(f"nothing was measured in a lane {printable(lane)}; measured: {', '.join(there)}")
    return atlas


def spelled(atlas: Atlas, transformers: str, timm: str) -> Releases:
    """Two releases as the atlas spells them. Raises BadInput for what is none."""
    return atlas.spelled(*map(_version, PACKAGES, (transformers, timm)))


def asked_for(
    atlas: Atlas, releases: Releases, models: Sequence[str], routes: Sequence[str]
) -> Mapping[str, Sequence[str]]:
    """The models that are asked for on each route. Raises BadInput for what does not exist."""
    if problem := asked_routes.problem(routes):
        raise BadInput(problem)
    named = names.named(releases[1], models)
    return {route: named if models else atlas.models(releases, route) for route in routes or atlas.routes}


def _version(name: str, text: str) -> Version:
    """Raises BadInput for what is no release."""
    try:
        if len(text) <= LONGEST:
            return Version(text)
    except InvalidVersion:
        pass
    pin = next(pin for pin in EXAMPLE.split() if pin.startswith(name))
    raise BadInput(f"{name}=={printable(text[:LONGEST])} is no release; give one as in {pin}")
