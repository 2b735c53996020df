"""`repair`: brings back what can be brought back of a loaded model, or of a checkpoint folder.

from layerscale_matrix import repair

for change in repair("damaged", into="mended"):
print(change)
"""

import warnings
from pathlib import Path
from typing import Any, overload

from torch import nn

from ..cell.user_models.target import Unusable
from . import folder as folders
from . import loaded, written
from .described import Change
from .loss import Found, Loss


@overload
def repair(model_or_folder: str | Path, *, into: str | Path, maker: str | None = None) -> tuple[Change, ...]: ...


@overload
def repair(
    model_or_folder: nn.Module, folder: str | Path | None = None, *, into: str | Path | None = None
) -> tuple[Loss, ...]: ...


def repair(
    model_or_folder: nn.Module | str | Path,
    folder: str | Path | None = None,
    *,
    into: str | Path | None = None,
    maker: str | None = None,
) -> tuple[Loss, ...] | tuple[Change, ...]:
    """Mend a model that was just loaded, in place, or a checkpoint folder, of which a copy is written to `into`.

    Of a model it says what was lost; empty if nothing was found. `folder` has the checkpoint that it was loaded from.
    What a rule explains is set to what the checkpoint has; what none explains is told, and left as it is. Without
    `folder` buffers alone are mended. Warns of buffers that could not be checked. With `into` the model is saved there,
    unless something was left as it is.

    Of a folder it says what was changed; empty, and nothing is written, if it is not damaged. `maker` names the class
    of a model that transformers lacks, as "package.module:Name".

    `into` must not be there yet, or be empty. Raises ValueError, and writes nothing, where something is, for a folder
    without a checkpoint or with that of another model, and for one that cannot be read or mended.
    """
    if isinstance(model_or_folder, str | Path):
        if into is None:
            raise ValueError("a folder is mended in a copy of it; say with into where that is to be")
        try:
            return folders.mend(Path(model_or_folder), Path(into), maker).changes
        except Unusable as error:
            raise ValueError(str(error)) from error
    if into is None:
        return loaded.mend(model_or_folder, folder)
    found = saved(model_or_folder, None if folder is None else Path(folder), Path(into))
    if found.doubt:
        warnings.warn(found.doubt, stacklevel=2)
    return found.losses


def saved(model: nn.Module, folder: Path | None, into: Path) -> Found:
    """Mend a loaded model and save it to `into`, unless something was left as it is. Raises ValueError."""
    savable: Any = model
    if not callable(getattr(savable, "save_pretrained", None)):
        name = type(model).__name__
        raise ValueError(f"{name} has no save_pretrained, and is not written to {into}")  # noqa: TRY004  as others
    written.refuse(into, folder)
    found = loaded.examined(model, folder)
    if not any(loss.left for loss in found.losses):
        with written.anew(into) as stage:
            savable.save_pretrained(stage)
    return found
