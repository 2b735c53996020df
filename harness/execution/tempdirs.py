"""The temporary folder of a run's checkpoints, removed when the run ends, or after a kill when the next run starts."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PREFIX: Final = "layerscale-matrix-"


@contextlib.contextmanager
def folder(name: str = "cases") -> Iterator[Path]:
    """A temporary folder named after this process, removed at the end."""
    root = Path(tempfile.gettempdir())
    sweep(root)
    path = root / f"{PREFIX}{os.getpid()}-{name}"
    shutil.rmtree(path, ignore_errors=True)  # left by a killed process with the same id
    path.mkdir()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def sweep(root: Path) -> None:
    """Remove the folders of processes that have ended."""
    for path in root.glob(f"{PREFIX}*"):
        pid = path.name.removeprefix(PREFIX).partition("-")[0]
        if pid.isdecimal() and not _lives(int(pid)):
            shutil.rmtree(path, ignore_errors=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
