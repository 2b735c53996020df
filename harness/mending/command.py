"""The command `repair`: mends a folder, or a model that a target makes, and prints what it changed."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import transformers

from ..cell.guards import importing, memory, offline, untrusted
from ..cell.models import weights
from ..cell.user_models import resolution, save_and_reload
from ..cell.user_models.save_and_reload import WrappedModule
from ..cell.user_models.target import Unusable
from ..contract.checkpoint import CONFIG, is_path
from ..contract.finding import one_line
from ..doctor.console_report import quiet
from ..doctor.messages import Console
from . import folder as folders
from . import loaded
from .described import Change
from .loss import Found, Loss
from .repair import saved


def examine(target: str, into: Path | None, config: str | None, maker: str | None, console: Console) -> int:
    """Mend and print what was changed; 0. Raises Unusable for what cannot be mended."""
    offline.enforce()
    console.reading(f"while {target} was read")
    try:
        if is_path(target) and into is not None:
            if config is not None:
                raise Unusable(f"--config: {target} is a folder, and has its own; --class names what makes its model")
            return _folder(Path(target), into, maker, console)
        if maker is not None:
            raise Unusable(f"--class is for a checkpoint folder, and {target} is none")
        return _model(target, config, into, console)
    except (ValueError, OSError) as error:
        raise Unusable(str(error)) from error


def _folder(folder: Path, into: Path, maker: str | None, console: Console) -> int:
    if maker is None:  # the folder may come from anybody
        untrusted.take_no_more_than_there_is()
    with quiet():
        mended = folders.mend(folder, into, maker)
    console.out.write(f"{importing.found()}\n")
    changes = [_change(change) for change in mended.changes]
    written = str(into) if changes else None
    left_out = list(mended.left_out)
    console.report({"into": written, "changes": changes, "losses": [], "unchecked": [], "left_out": left_out})
    if not mended.changes:
        console.out.write(f"{folder} is not damaged, as far as its files can tell; nothing was written.\n")
        return 0
    console.out.write("".join(f"✔ {change}\n" for change in mended.changes))
    if mended.left_out:
        console.out.write(f"Not copied: {', '.join(mended.left_out)}\n")
    console.out.write(f"Written to {into}; {folder} is as it was.\n")
    return 0


def _model(target: str, config: str | None, into: Path | None, console: Console) -> int:
    """Mend the model that a target loads, or the one that it makes, once it was saved and loaded."""
    with quiet():
        model = save_and_reload.build_pretrained(resolution.as_target(resolution.resolve(target, config)))
    if into is not None and isinstance(model, WrappedModule):
        raise Unusable(f"{target} gives no model of transformers, and is not written to {into}; leave --into out")
    console.testing(f"while {target} was mended")
    source = Path(str(getattr(model, "name_or_path", None) or ""))
    with quiet(), tempfile.TemporaryDirectory(dir=console.folder) as folder:
        if not (source / CONFIG).is_file():
            source = Path(folder)
            if into is None:
                weights.fill(model)  # a LayerScale that is made anew has the value that a constructor gave it before
            model = _reloaded(model, source)
        found = loaded.examined(model, source) if into is None else saved(model, source, into)
    _print(target, found, console)
    written, losses = None if into is None else str(into), list(map(_loss, found.losses))
    unchecked = list(found.unchecked)
    console.report({"into": written, "changes": [], "losses": losses, "unchecked": unchecked, "left_out": []})
    if into is not None:
        console.out.write(f"Written to {into}.\n")
    return 0


def _reloaded(model: Any, folder: Path) -> Any:
    """The model once the installed transformers has saved and loaded it. Raises Unusable."""
    try:
        model.save_pretrained(folder)
        with memory.poisoned():
            return type(model).from_pretrained(folder)
    except Exception as error:
        version = transformers.__version__
        raise Unusable(f"transformers {version} cannot save and load it: {one_line(error)}; see check") from error


def _change(change: Change) -> Mapping[str, Any]:
    told = {"because": change.because, "what": change.what, "renamed": dict(change.renamed)}
    return {"rule": change.rule or None, **told}


def _loss(loss: Loss) -> Mapping[str, Any]:
    return {"rule": loss.rule or None, "names": list(loss.names), "because": loss.because, "advice": loss.advice}


def _print(target: str, found: Found, console: Console) -> None:
    """Print what was lost, and what could not be checked. Raises Unusable if something was left as it is."""
    if left := [str(loss) for loss in found.losses if loss.left]:
        raise Unusable(f"{target}: cannot be mended: {'; '.join(left)}")
    console.out.write(f"{importing.found()}\n")
    console.out.write("".join(f"✔ {loss}\n" for loss in found.losses))
    if found.doubt:
        console.out.write(f"· {found.doubt}\n")
    if not found.losses:
        console.out.write(f"{target} has lost nothing {'else ' if found.doubt else ''}that can be told.\n")
