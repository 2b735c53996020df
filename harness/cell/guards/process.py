"""Keeps what a case does to its process from the cases after it. Standard library only."""

import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

TIMEOUT: Final = "from pytest-timeout"
LIMITS: Final = (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_AS, resource.RLIMIT_DATA)
FEW: Final = 16  # files that a library may keep open
HANDLED: Final = (signal.SIGALRM, signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE, signal.SIGHUP)

_SPOILED: Final[list[str]] = []


def spoil(why: str) -> None:
    """Mark this process as unfit for further cases: what runs in it from now on is not to be trusted."""
    _SPOILED.append(why)


def spoiled() -> bool:
    """Whether this process is unfit for further cases."""
    return bool(_SPOILED)


def refuse_timeout(error: BaseException) -> None:
    """Raise an exception again if it is pytest-timeout's, which ends a case from inside. Libraries may raise others."""
    if not isinstance(error, Exception) and type(error).__name__ == "Failed" and TIMEOUT in str(error):
        raise error


class ProcessState:
    """A snapshot of what belongs to the whole process, taken when it is made."""

    def __init__(self) -> None:
        self._environment = dict(os.environ)
        self._folder = _working_folder()
        self._umask = _umask()
        self._blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        self._handlers = {number: signal.getsignal(number) for number in HANDLED}
        self._recursion = sys.getrecursionlimit()
        self._streams = sys.stdin, sys.stdout
        self._limits = {kind: resource.getrlimit(kind) for kind in LIMITS}
        self._files = _open_files()
        self.free_files = free_files()
        """How many more files could be opened."""

    def restore(self) -> None:
        """Put everything back. Python's other settings, and torch's, are the business of leaks.py."""
        for name in os.environ.keys() - self._environment.keys():
            del os.environ[name]
        os.environ.update({name: value for name, value in self._environment.items() if os.environ.get(name) != value})
        if self._folder and _working_folder() != self._folder:
            with suppress(OSError):  # gone meanwhile
                os.chdir(self._folder)
        os.umask(self._umask)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._blocked)
        for number, handler in self._handlers.items():
            if handler is not None and signal.getsignal(number) is not handler:
                signal.signal(number, handler)
        sys.setrecursionlimit(self._recursion)
        sys.stdin, sys.stdout = self._streams
        for kind, limits in self._limits.items():
            if resource.getrlimit(kind) != limits:
                with suppress(ValueError):  # the hard limit cannot be raised again
                    resource.setrlimit(kind, limits)

    def spoil_if_files_stay_open(self) -> None:
        """Mark this process as unfit if files opened since take up half of what it may open."""
        files, most = _open_files(), resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if files > self._files + FEW and 2 * files > most > 0:
            spoil(f"{files} files are open, and {most} may be")


def _working_folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109  it may be gone
    except OSError:
        return None


def _open_files() -> int:
    try:
        return len(list(Path("/proc/self/fd").iterdir()))
    except OSError:  # not one more may be opened
        return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def free_files() -> int:
    """How many more files this process may open."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return sys.maxsize if most == resource.RLIM_INFINITY else most - _open_files()


def _umask() -> int:
    umask = os.umask(0o77)
    os.umask(umask)
    return umask
