"""The temporary folder of a run's checkpoints, removed when the run ends, or after a kill when the next run starts.

The system's lock on a file in the folder says whether its run goes on, whichever container or user that runs in. On a
file system shared by several hosts the lock may not reach the other host, so the file names its host, too.
"""

import contextlib
import fcntl
import json
import os
import platform
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from . import processes

PREFIX: Final = "layerscale-matrix-"
HELD: Final = "held-by.json"
"""The file in a folder that its run has locked; it names the host and the process."""
VARIABLE: Final = "LAYERSCALE_MATRIX_SCRATCH"
"""The environment variable that names the folder, in every process that works in it."""
WEEK: Final = 7 * 24 * 3600.0  # seconds after which a folder of another host counts as left behind
BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


@contextlib.contextmanager
def folder(name: str = "cases") -> Iterator[Path]:
    """A new folder that only this user can read, locked by this process, and removed at the end."""
    root = Path(tempfile.gettempdir())
    sweep(root)
    path = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{name}-", dir=root))
    try:
        with _locked(path):
            yield path
    finally:
        _remove(path)


def sweep(root: Path) -> None:
    """Remove this user's folders whose run has ended, and end the processes that it left."""
    for path in root.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # swept by another run meanwhile; or the file system has no locks
            if _is_own_folder(path):
                _sweep(path)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock of a folder. The file gets its name once it is locked: no other run ever sees it unlocked."""
    draft = path / f".{HELD}"
    with draft.open("x", encoding="utf-8") as file:
        with contextlib.suppress(OSError):  # a file system without locks: then nobody can sweep either
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        json.dump({**_host(), "process": os.getpid()}, file)
        file.flush()
        draft.rename(path / HELD)
        yield


def _host() -> dict[str, str]:
    """The host, and what tells its kernel from others. Containers of a host share the kernel, and its locks."""
    boot = BOOT.read_text().strip() if BOOT.is_file() else ""
    return {"host": platform.node(), "boot": boot}


def _is_own_folder(path: Path) -> bool:
    found = path.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()


def _sweep(path: Path) -> None:
    """Remove a folder, unless its run may go on. Raises BlockingIOError if that holds the lock."""
    if not (path / HELD).exists():
        # Made a moment ago, or left by a run that was killed in that moment. It is empty, but for the draft.
        if _idle(path) > WEEK and all(inside.name == f".{HELD}" for inside in path.iterdir()):
            _remove(path)
        return
    with os.fdopen(os.open(path / HELD, os.O_RDWR | os.O_NOFOLLOW), encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _boot_in(file.read()) == _host()["boot"] or _idle(path) > WEEK:
            _remove(path)


def _boot_in(text: str) -> str:
    """The kernel that a lock file names; of a file that a full disk cut short, none."""
    with contextlib.suppress(ValueError, AttributeError):
        return str(json.loads(text).get("boot"))
    return ""


def _idle(path: Path) -> float:
    """The seconds since anything was made in the folder or in one directly below it."""
    return time.time() - max(inside.lstat().st_mtime for inside in (path, *path.iterdir()))


def _remove(path: Path) -> None:
    """End the processes that work in the folder, and remove it."""
    processes.end_all(processes.with_variable(VARIABLE, str(path)))
    shutil.rmtree(path, ignore_errors=True)
