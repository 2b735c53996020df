"""The lock on a results folder: two runs at a time would disturb each other, and overrule each other's records.

It is the system's lock on a file, so it ends with the process that holds it, however that ends.
"""

import fcntl
import os
import shlex
import sys
from datetime import datetime
from pathlib import Path
from typing import IO, Final

from ..config.errors import BadInput
from ..results.store import LOCK_FILE, refuse_strange

_HELD: Final[dict[Path, IO[str]]] = {}
"""The locked files of this process, kept open: several sessions of one nox process share a folder."""


def take(results: Path) -> None:
    """Lock the folder for this process. Raises BadInput, naming the run that holds the lock."""
    refuse_strange([results / LOCK_FILE])
    path = (results / LOCK_FILE).resolve()
    if path in _HELD:
        return
    try:
        file = path.open("a+", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise BadInput(f"--results {results}: {error.strerror}; name a folder that can be written") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip() or "which has not written its name yet"
        file.close()
        raise BadInput(
            f"--results {results}: another run is recording there ({holder}); wait for its end, or name another folder"
        ) from None
    file.truncate(0)
    since = datetime.now().astimezone()
    file.write(f"process {os.getpid()}, since {since:%Y-%m-%d %H:%M:%S}: {shlex.join(sys.argv)}\n")
    file.flush()
    _HELD[path] = file
