"""One run at a time in a results folder: two would measure each other, and the later one's records would count.

The claim is the system's lock on a file, so it ends with the process that holds it, however that ends.
"""

import fcntl
import os
import shlex
import sys
from datetime import datetime
from pathlib import Path
from typing import IO, Final

from ..config.errors import BadInput
from ..results.store import LOCK_FILE, refuse_links

_HELD: Final[dict[Path, IO[str]]] = {}
"""What this process holds, open as long as it lives: several sessions of one nox share a folder."""


def take(results: Path) -> None:
    """Claim the folder for this process. Raises BadInput, naming the run that has it."""
    refuse_links([results / LOCK_FILE])
    path = (results / LOCK_FILE).resolve()
    if path in _HELD:
        return
    file = path.open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip() or "it has not said which yet"
        file.close()
        raise BadInput(
            f"--results {results}: another run is recording there ({holder}); wait for its end, or name another folder"
        ) from None
    file.truncate(0)
    since = datetime.now().astimezone()
    file.write(f"process {os.getpid()}, since {since:%Y-%m-%d %H:%M:%S}: {shlex.join(sys.argv)}\n")
    file.flush()
    _HELD[path] = file
