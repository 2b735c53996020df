"""Mends a checkpoint folder: a copy of it is written beside, and the folder itself is left as it is."""

import contextlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..atlas.rules import known
from ..cell.user_models.target import Unusable
from ..contract.checkpoint import CONFIG, INDICES, WEIGHTS, Checkpoint, regular
from ..contract.finding import one_line
from ..remedies import folders
from ..remedies.table import REMEDIES, Mends
from . import names, written
from .described import Change, described

BY_NAME: Final = frozenset({*WEIGHTS, *INDICES})
"""The files that hold a checkpoint's names, beside its shards."""


@dataclass(frozen=True)
class MendedFolder:
    """What was changed in a checkpoint folder, and which of its files and folders were not copied."""

    changes: tuple[Change, ...]
    left_out: tuple[str, ...] = ()


def mend(folder: Path, into: Path, maker: str | None = None) -> MendedFolder:
    """Write a folder to `into` with its damage mended; nothing, and no changes, for one that is not damaged.

    `maker` names the class of a model that transformers lacks, as `package.module:Name`. Raises ValueError for a
    folder without a checkpoint and a place where something is, and Unusable for files that cannot be read, a model that
    neither library has, and tensors that are lost. Nothing is written then.
    """
    checkpoint = Checkpoint.read(folder)
    written.refuse(into, folder)
    of_config = list(described(checkpoint))
    held = names.read(checkpoint, maker)
    of_names = names.changes(held)
    now = names.renamed(of_names, held.state)
    if not of_names:
        names.refuse_lost(held, now, folder, folder)
        if not of_config:
            return MendedFolder(())
    with written.anew(into) as stage:
        copied = _copy_weights(checkpoint, stage)
        if of_names:
            _rename(folder, stage, now)
            names.refuse_lost(held, now, folder, stage)
        left_out = _copy_rest(folder, stage, copied)
        _mend_others(stage, of_config)
    return MendedFolder((*of_names, *of_config), left_out)


def _rename(folder: Path, stage: Path, now: Mapping[str, str]) -> None:
    """Change the names in all files of the copy. Raises Unusable for one that cannot be read, as one beside another."""
    try:
        # Its name is private, for another one would change the digest by which every record is current.
        folders._rename(stage, lambda name: now.get(name, name))  # noqa: SLF001
    except Exception as error:  # readers of a damaged file raise anything
        raise Unusable(f"{folder}: cannot be mended: {one_line(error)}") from error


def _mend_others(stage: Path, changes: list[Change]) -> None:
    """Mend the configuration and the other files. Raises Unusable."""
    for change in changes:
        remedy = REMEDIES[known()[change.rule].remedy]
        try:
            remedy.function(Mends.FOLDERS)(stage)
        except Exception as error:  # timm has the model, and may still be unable to describe it
            raise Unusable(f"{stage.name}: cannot be mended: {change.what}: {one_line(error)}") from error


def _copy_weights(checkpoint: Checkpoint, stage: Path) -> Mapping[str, Path]:
    """Copy the configuration and all files that hold its tensors' names; the copies by their names."""
    files = {path.name: path for path in checkpoint.files}
    for name in (CONFIG, *sorted(BY_NAME)):
        with contextlib.suppress(ValueError):  # no such file
            files[name] = regular(checkpoint.folder / name)
    return {name: _copied(path, stage) for name, path in files.items()}


def _copy_rest(folder: Path, stage: Path, copied: Mapping[str, Path]) -> tuple[str, ...]:
    """Copy all other regular files; the names of what is none."""
    left_out = []
    for path in sorted(folder.iterdir()):
        if path.name in copied:
            continue
        try:
            _copied(regular(path), stage)
        except ValueError:
            left_out.append(path.name)
    return tuple(left_out)


def _copied(path: Path, stage: Path) -> Path:
    return Path(shutil.copyfile(path.resolve(), stage / path.name))
