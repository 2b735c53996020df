"""What a worker is at, left in files where its watch can read it when the worker can no longer say it.

Standard library only: the side that watches has neither torch nor the two libraries.
"""

import contextlib
import faulthandler
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

TASK: Final = ".task"
SAID: Final = ".stderr"
FATAL: Final = "Fatal Python error: "  # how faulthandler begins


@dataclass(frozen=True)
class Task:
    """A case that is running: which, in which process, and since when on the monotonic clock, in seconds."""

    case: str
    pid: int
    since: float


class Heartbeat:
    """One worker's own files: the case that it is at, and what has been written to stderr since that began."""

    def __init__(self, folder: Path, worker: str) -> None:
        """From here on a fatal error of this process is written there too."""
        self._task = folder / f"{worker}{TASK}"
        # Appending, as it is truncated below; a line at a time, as a process that dies flushes nothing.
        self._said = (folder / f"{worker}{SAID}").open("a", buffering=1, encoding="utf-8")
        faulthandler.enable(self._said, all_threads=False)

    @contextlib.contextmanager
    def at(self, case: str) -> Iterator[None]:
        """While a case runs: its name stands on the desk, and stderr is a file, C's as well as Python's."""
        sys.stderr.flush()
        self._said.truncate(0)
        terminal = os.dup(2)
        os.dup2(self._said.fileno(), 2)
        self._write(Task(case, os.getpid(), time.monotonic()))
        try:
            with contextlib.redirect_stderr(self._said):
                yield
        finally:
            self._task.unlink(missing_ok=True)
            os.dup2(terminal, 2)
            os.close(terminal)

    def _write(self, task: Task) -> None:
        draft = self._task.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(task)))
        draft.rename(self._task)  # whoever watches sees all of it or nothing


def tasks(folder: Path) -> dict[str, Task]:
    """The cases that are running, or were when their process died, by worker."""
    found = {}
    for path in folder.glob(f"*{TASK}"):
        with contextlib.suppress(OSError):  # finished meanwhile
            found[path.stem] = Task(**json.loads(path.read_text()))
    return found


def checkpoints(folder: Path, pid: int) -> Path:
    """Where the process keeps the checkpoints of its cases."""
    return folder / f"worker-{pid}"


def cleared(folder: Path, case: str) -> str:
    """What a process that died at a case had written to stderr since that began. Nothing else is left of it."""
    for worker, task in tasks(folder).items():
        if task.case == case:
            (folder / f"{worker}{TASK}").unlink(missing_ok=True)
            shutil.rmtree(checkpoints(folder, task.pid), ignore_errors=True)
            return (folder / f"{worker}{SAID}").read_text(encoding="utf-8", errors="replace").strip()
    return ""


def ending(text: str, longest: int) -> str:
    """So many characters of stderr at most: from the fatal error on where there is one, else the last."""
    fatal = text.rfind(FATAL)
    return text[fatal : fatal + longest] if fatal >= 0 else text[-longest:]


def last_words(text: str) -> str:
    """The line of stderr that says most about a process that died; empty where it said nothing."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    fatal = [line.removeprefix(FATAL) for line in lines if line.startswith(FATAL)]
    return (fatal or lines[-1:] or [""])[0]
