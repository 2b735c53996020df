"""Takes in what another machine recorded: its results folder, checked before anything of it is written."""

import fnmatch
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from ...config.errors import BadInput
from ...contract import catalog, record
from ...contract.surroundings import is_folder
from ...results import store

LANES: Final = "*.jsonl"
CARRIED: Final = "carried"
CATALOGS: Final = "catalogs"
CATALOG: Final = "*.ndjson"
MOST: Final = 20_000
"""Files and folders in a results folder; a matrix of a hundred pairs and lanes has some hundred."""


def files(folder: Path) -> list[Path]:
    """The lanes' files of a results folder. Raises BadInput where it is none, or one of them is none of ours."""
    found = _within(folder, LANES)
    if not found and not is_folder(folder / CATALOGS):
        raise BadInput(f"{folder}: no records in it; name a results folder")
    for path in found:
        store.refuse_strange([path], above(path, folder))
        *folders, _ = path.relative_to(folder).parts
        if len(folders) != 1 and folders[:1] != [CARRIED]:
            raise BadInput(f"{path}: is not where a results folder has its records; name the folder itself")
        try:
            record.read(path)
        except (OSError, ValueError) as error:
            raise BadInput(f"{error}; move that file away") from error
    return found


def refuse_bad_catalogs(folder: Path, into: Path) -> None:
    """Raises BadInput for what is no catalog among those of a folder, and for what stands where they would be put."""
    for path in _within(folder / CATALOGS, CATALOG):
        target = into / path.relative_to(folder)
        store.refuse_strange([path, target], [*above(path, folder), into, *above(target, into)])
        try:
            catalog.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise BadInput(f"{path}: {error}; move that file away") from error


def _within(folder: Path, pattern: str) -> list[Path]:
    """The files of a folder and its folders that a glob fits, links to folders not followed.

    Raises BadInput for one that cannot be read, or that holds far more than records, as a whole disk does.
    """

    def refuse(error: OSError) -> None:
        raise BadInput(f"{folder}: {error.strerror}; name a results folder") from error

    found: list[Path] = []
    seen = 0
    if not is_folder(folder):  # it may have a name that no file can have
        return found
    for parent, folders, names in os.walk(folder, onerror=refuse):
        seen += len(folders) + len(names)
        if seen > MOST:
            raise BadInput(f"{folder}: more than {MOST:,} files and folders in it; name a results folder")
        found += [Path(parent, name) for name in fnmatch.filter([*names, *folders], pattern)]
    return sorted(found)


def above(path: Path, folder: Path) -> list[Path]:
    """The folders between a results folder and a file in it."""
    return [part for part in path.parents if part != folder and part.is_relative_to(folder)]


def add_catalogs(folder: Path, into: Path) -> None:
    """Catalogs that were made on the spot, without which records of such a pair cannot be judged; the newest counts.

    They have been checked.
    """
    for path in _within(folder / CATALOGS, CATALOG):
        target = into / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as draft:
            shutil.copyfile(path, Path(draft) / path.name)
            (Path(draft) / path.name).replace(target)
