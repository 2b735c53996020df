"""The files of the entries, one a pair; read together, since most lanes are what they have otherwise than another's.

Before the file of a base is written anew, those that depend on it are, with other bases: whenever writing stops, each
pair is whole.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from ...config import whole_file
from ...config.errors import BadInput
from ...contract.package import FOLDER
from .. import files
from ..answer import Releases
from .bases import with_bases
from .entry import PairEntry
from .pair_file import SUFFIX, Files, PairFile, dumps
from .reading import loads

PACKAGED: Final = FOLDER / "atlas" / "pairs"


def read(folder: Path = PACKAGED) -> dict[Releases, PairEntry]:
    """Every pair of a folder, by its releases of transformers and timm. Raises BadInput."""
    with _locked(folder, fcntl.LOCK_SH) if folder.is_dir() else contextlib.nullcontext():
        return {file.entry.releases: file.entry for file in _files(folder).values()}


def write(entry: PairEntry, folder: Path = PACKAGED) -> Path:
    """Write a pair's file, and return its path. Lanes that were measured before and are not in the entry stay.

    Raises BadInput as `read` does, and ValueError for an entry that no file can hold.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder, fcntl.LOCK_EX):
        others = dict(_files(folder))
        before = others.pop(entry.id, PairFile.of(replace(entry, lanes={})))
        new = PairFile.of(replace(entry, lanes={**before.entry.lanes, **entry.lanes}))
        for name, lane in new.lanes.items():
            if name in before.lanes and lane.digest != before.lanes[name].digest:
                _rebase_dependents(before, name, others, folder)
        return _write(with_bases(new, others, others), others, folder)


def _files(folder: Path) -> Files:
    paths = sorted(folder.glob(f"*{SUFFIX}"))
    return _parsed(tuple((path.name.removesuffix(SUFFIX), _text_of(path)) for path in paths))


@lru_cache(maxsize=8)  # folders, of which a process asks again and again
def _parsed(texts: tuple[tuple[str, str], ...]) -> Files:
    return loads(dict(texts))


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except files.WRONG as error:
        raise BadInput(f"{path} cannot be read: {error}; restore it, or delete it") from error


@contextlib.contextmanager
def _locked(folder: Path, kind: int) -> Iterator[None]:
    """Read what no other process is writing meanwhile, or write alone, where the file system has locks."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(opened, kind)
        yield
    finally:
        os.close(opened)


def _rebase_dependents(base: PairFile, lane: str, others: dict[str, PairFile], folder: Path) -> None:
    """Write the pairs whose lane depends on a file, which is not among the others, once more, with other bases."""
    pair = base.entry.id
    for dependent in [name for name, file in others.items() if file.bases.get(lane) == pair]:
        every = {**others, pair: base}
        file = others.pop(dependent)
        others[dependent] = with_bases(file, others, every)
        _write(others[dependent], others, folder)


def _write(file: PairFile, others: Files, folder: Path) -> Path:
    """Write a file, if what is written can be read as what it was. Raises ValueError if not."""
    pair, text = file.entry.id, dumps(file, others)
    try:
        is_same = loads({pair: text}, others)[pair].entry == file.entry
    except BadInput:
        is_same = False
    if not is_same:
        raise ValueError(f"{pair}: no file can hold this entry")
    path = folder / f"{pair}{SUFFIX}"
    whole_file.write(text, path)
    return path
