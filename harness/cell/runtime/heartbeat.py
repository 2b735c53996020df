"""Files in which each worker leaves its current case and its stderr, for the watchdog to read after a crash.

Standard library only: the watchdog's process has neither torch nor the two libraries.
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
STDERR: Final = ".stderr"
FATAL: Final = "Fatal Python error: "  # the start of faulthandler's report


@dataclass(frozen=True)
class Task:
    """A running case, its process, and its start on the monotonic clock, in seconds."""

    case: str
    pid: int
    since: float


class Heartbeat:
    """The files of one worker: its running case, and the stderr written since that case began."""

    def __init__(self, folder: Path, worker: str) -> None:
        """Open the files; from now on faulthandler reports fatal errors of this process there."""
        self._task = folder / f"{worker}{TASK}"
        # Opened for appending, for it is truncated below; line-buffered, for a dying process flushes nothing.
        self._stderr = (folder / f"{worker}{STDERR}").open("a", buffering=1, encoding="utf-8")
        faulthandler.enable(self._stderr, all_threads=False)

    def is_removed(self) -> bool:
        """Whether somebody removed the files of this worker."""
        return os.fstat(self._stderr.fileno()).st_nlink == 0

    @contextlib.contextmanager
    def at(self, case: str) -> Iterator[None]:
        """Name the case as running, and send stderr of Python and of C to the file meanwhile."""
        sys.stderr.flush()
        self._stderr.truncate(0)
        self._write(Task(case, os.getpid(), time.monotonic()))
        terminal = os.dup(2)
        os.dup2(self._stderr.fileno(), 2)
        try:
            with contextlib.redirect_stderr(self._stderr):
                yield
        finally:
            self._task.unlink(missing_ok=True)
            os.dup2(terminal, 2)
            os.close(terminal)

    def _write(self, task: Task) -> None:
        draft = self._task.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(task)))
        draft.rename(self._task)  # a reader sees the whole file or none


def tasks(folder: Path) -> dict[str, Task]:
    """The running cases, and those at which a process died, by worker."""
    running = {}
    for path in folder.glob(f"*{TASK}"):
        with contextlib.suppress(OSError):  # finished meanwhile
            running[path.stem] = Task(**json.loads(path.read_text()))
    return running


def checkpoints(folder: Path, pid: int) -> Path:
    """The folder in which a process keeps the checkpoints of its cases."""
    return folder / f"worker-{pid}"


def clear(folder: Path, case: str) -> str:
    """Delete the files and checkpoints of a process that died at a case; returns its stderr since the case began."""
    for worker, task in tasks(folder).items():
        if task.case == case:
            (folder / f"{worker}{TASK}").unlink(missing_ok=True)
            shutil.rmtree(checkpoints(folder, task.pid), ignore_errors=True)
            return (folder / f"{worker}{STDERR}").read_text(encoding="utf-8", errors="replace").strip()
    return ""


def excerpt(text: str, longest: int) -> str:
    """At most `longest` characters of stderr: from a fatal error on, otherwise the last ones."""
    fatal = text.rfind(FATAL)
    return text[fatal : fatal + longest] if fatal >= 0 else text[-longest:]


def decisive_line(text: str) -> str:
    """The fatal error in the stderr of a dead process, otherwise its last line; empty if it wrote nothing."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    fatal = [line.removeprefix(FATAL) for line in lines if line.startswith(FATAL)]
    return (fatal or lines[-1:] or [""])[0]
