"""Writes the site: the front page, which answers by itself, and the pages that it leads to."""

import errno
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from markupsafe import Markup
from rich.console import Console
from rich.progress import track

from ..atlas.answer import LANE, Releases
from ..atlas.asking import opened
from ..atlas.entries import pair_files
from ..atlas.entries.entry import PairEntry
from ..atlas.measured import Atlas
from ..config.errors import BadInput
from ..report.formats import files, inline
from . import data, grid, script
from .frame import Frame, by_release
from .pages import Pages

FRONT: Final = "index.html"


def site(
    made: str,
    lane: str = LANE,
    folder: Path = pair_files.PACKAGED,
    own: Iterable[PairEntry] = (),
    reasons: Mapping[str, str] = MappingProxyType({}),
) -> Frame:
    """What the pages for a lane of the atlas in a folder of entries are made of; the newest measured pair comes first.

    What one's `own` runs measured stands over it; `reasons` are those of causes that the package lacks, by rule.
    Raises BadInput for a lane in which nothing was measured.
    """
    atlas = opened(folder, lane, own)
    if not atlas.lanes:
        raise BadInput(f"{folder} has no measured pair; nox -s atlas measures")
    return framed(atlas, grid.of(atlas, _shown), made, reasons)


def framed(atlas: Atlas, answers: grid.Grid, made: str, reasons: Mapping[str, str] = MappingProxyType({})) -> Frame:
    """What the pages for an atlas and its answers are made of."""
    return Frame(atlas, answers, max(atlas.lanes, key=by_release), made, reasons)


def _shown(pairs: Iterable[Releases]) -> Iterable[Releases]:
    """The pairs, with a bar of how many are done on standard error, if that is a terminal."""
    terminal = Console(stderr=True)
    return track(pairs, "pairs", console=terminal, transient=True, disable=not terminal.is_terminal)


def front(frame: Frame, *, alone: bool = False) -> str:
    """The front page; `alone`, it leads to no other page."""
    code = script.BUILT.read_text(encoding="utf-8")
    payload = data.payload(frame.grid, frame.current)
    mine = {rule: (reason or rule, "", "", "", "") for rule, reason in frame.pageless.items()}
    payload = {**payload, "rules": {**payload["rules"], **mine}, "pageless": list(mine), "pages": not alone}
    values = {
        "linked": not alone,
        "policy": inline.policy(frame.style, code),
        "script": Markup(code),  # noqa: S704  our own, and the policy has its digest
        "data": inline.packed(payload),
    }
    return frame.render("front.html", values, root="", here="index")


def write(frame: Frame, folder: Path, *, alone: bool = False) -> int:
    """Write the pages into `folder`, each whole, and return how many. What else lies there stays.

    Raises BadInput if something cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return files.put(folder, _texts(frame, alone=alone))
    except OSError as error:
        raise _refusal(folder, error) from error


def refuse_file(folder: Path) -> None:
    """Raise BadInput for a folder that is a file, before the seconds that a site takes."""
    if folder.exists() and not folder.is_dir():
        raise _refusal(folder, NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)))


def _refusal(folder: Path, error: OSError) -> BadInput:
    return BadInput(f"--out {folder}: {error.strerror}: {error.filename}; name another folder")


def _texts(frame: Frame, *, alone: bool) -> Iterator[tuple[str, str]]:
    yield FRONT, front(frame, alone=alone)
    if not alone:
        yield from Pages(frame).all()
