"""A folder that is written as a whole or not at all, and only where nothing is yet."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path


def refuse(into: Path, folder: Path | None = None) -> None:
    """Raise ValueError for a place where no new folder can be: one that has files, or lies in `folder`."""
    if into.is_symlink() or (into.exists() and not into.is_dir()):
        raise ValueError(f"{into}: is no folder; name one that is not there yet")
    if into.is_dir() and any(into.iterdir()):
        raise ValueError(f"{into}: is not empty, and nothing is written over; name a folder that is not there yet")
    if not into.absolute().parent.is_dir():
        raise ValueError(f"{into}: the folder that is to hold it is not there; make it, or name another place")
    if folder is not None and into.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{into}: lies in {folder}, which is left as it is; name a place beside it")


@contextlib.contextmanager
def anew(into: Path) -> Iterator[Path]:
    """A new folder beside `into`, which takes its place at the end, unless something is raised.

    Raises ValueError where it cannot be written.
    """
    parent, prefix = into.absolute().parent, f".{into.name}-"
    try:
        with tempfile.TemporaryDirectory(prefix=prefix, dir=parent) as beside:
            stage = Path(beside) / into.name  # with the permissions that folders have here
            stage.mkdir()
            yield stage
            stage.rename(into)
    except OSError as error:
        if any(str(name).startswith(str(parent / prefix)) for name in (error.filename, error.filename2) if name):
            raise ValueError(f"{into}: cannot be written: {error.strerror}") from error
        raise
