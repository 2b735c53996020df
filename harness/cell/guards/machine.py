"""Tells trouble of the machine from a fault of the libraries: a full disk says nothing about transformers or timm.

Standard library only: the controller asks, too.
"""

import errno
import os
import re
import resource
import shutil
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

MIB: Final = 2**20
DESCRIPTORS: Final = 32  # that a case may well need at a time
PLENTY: Final = 512  # descriptors that no case needs: a library that uses them up leaks files
TRUE: Final = "/bin/true"

WORDS: Final = {
    errno.ENOSPC: "no space is left on a disk",
    errno.EDQUOT: "a disk quota is used up",
    errno.EMFILE: "this process may open no more files",
    errno.ENFILE: "the system may open no more files",
    errno.EIO: "a disk fails to read or write",
    errno.EROFS: "a file system is read-only",
    errno.ENOMEM: "the system has no memory for a process or a mapped file",
    errno.EAGAIN: "the system may start no more processes",
}
# A library may wrap the system's error in one of its own, and then only the message is left.
UNMISTAKABLE: Final = (errno.ENOSPC, errno.EDQUOT, errno.ENFILE, errno.EMFILE, errno.EIO, errno.EROFS)
MESSAGES: Final = {os.strerror(number): number for number in UNMISTAKABLE} | {
    "PytorchStreamWriter failed writing": errno.ENOSPC,
    "can't start new thread": errno.EAGAIN,
    "Thread creation failed": errno.EAGAIN,
}
# Types by which a library passes on an error of the system; tokenizers raises Exception itself.
PASSING_ON: Final = (OSError, RuntimeError)
PASSING_ON_BY_NAME: Final = frozenset({"Exception", "SafetensorError", "PanicException"})
# Types of a fault in code, which may show while an error of the system is handled and has nothing to do with it.
FAULTS: Final = (LookupError, TypeError, AttributeError, NameError, AssertionError, ArithmeticError)
STARTS: Final = frozenset({"fork", "forkpty", "fork_exec", "spawnv_passfds", "posix_spawn", "posix_spawnp"})
"""Functions that start a process, as the code that calls them names them."""
NUMBERED: Final = re.compile(r"(?:\bos error |\[Errno )(\d+)\b")
PATTERNS: Final = {
    re.compile(r"inline_container\.cc.*unexpected pos \d+ vs \d+"): errno.ENOSPC,  # torch.save
    re.compile(r"\b\d+ requested and \d+ written\b"): errno.ENOSPC,  # numpy's tofile
    re.compile(r"(?i)\bm?map\b.*Cannot allocate memory"): errno.ENOMEM,  # an allocation that is too large is no trouble
}


class MachineTrouble(Exception):
    """The machine failed, so a case has no result. The message says what was missing."""


def refuse(error: BaseException, folder: Path, free_files: int = 0) -> None:
    """Raise MachineTrouble if an exception, or one that it hides, is the machine's.

    `free_files` is how many files could be opened when the case began: one that used up plenty of them is at fault.
    """
    for number in _numbers(error):
        if number != errno.EMFILE or free_files < PLENTY:
            raise MachineTrouble(_described(number, folder)) from error


def probe(folder: Path, needed: int = 0, free_files: int = 0) -> str | None:
    """What the machine lacks for a case that writes into `folder` and needs so many bytes there; None if nothing.

    For cases that failed: a library may hide the system's error. `free_files` as for `refuse`.
    """
    try:
        if not folder.is_dir():
            return f"the temporary folder of the run, {folder}, is gone"
        _write(folder)
        with ExitStack() as stack:
            for _ in range(DESCRIPTORS):
                stack.enter_context(open(os.devnull, "rb"))  # noqa: PTH123  as the libraries do
        with suppress(FileNotFoundError):
            os.waitpid(os.posix_spawn(TRUE, [TRUE], {}), 0)
    except OSError as error:
        if error.errno == errno.EMFILE and free_files >= PLENTY:
            return None
        if error.errno in WORDS:
            return _described(error.errno, folder)
        return f"the temporary folder of the run cannot be written: {error}"
    free = shutil.disk_usage(folder).free
    return f"{_described(errno.ENOSPC, folder)}; needed: {needed / MIB:.0f} MiB" if free < needed else None


def _write(folder: Path) -> None:
    path = folder / f".probe-{os.getpid()}"
    try:
        with path.open("wb") as file:
            file.write(b"\1" * MIB)
            file.flush()
            os.fsync(file.fileno())
    finally:
        path.unlink(missing_ok=True)


def _numbers(error: BaseException) -> Iterator[int]:
    """The system's numbers of the troubles that an exception comes from."""
    for link in _chain(error):
        if isinstance(link, OSError) and link.errno in WORDS and link.errno != errno.EAGAIN:
            yield link.errno
        elif isinstance(link, BlockingIOError) and link.errno == errno.EAGAIN and _starts_processes(link):
            yield errno.EAGAIN
        elif isinstance(link, PASSING_ON) or type(link).__name__ in PASSING_ON_BY_NAME:
            yield from _in_words(str(link))


def _starts_processes(error: BaseException) -> bool:
    """Whether an exception was raised where a process is started: a pipe or a socket without data raises the same."""
    frames = list(traceback.walk_tb(error.__traceback__))
    if "fork" in str(error) or not frames:
        return True
    code = frames[-1][0].f_code
    return Path(code.co_filename).name == "subprocess.py" or not STARTS.isdisjoint(code.co_names)


def _in_words(text: str) -> list[int]:
    numbers = (int(number) for number in NUMBERED.findall(text))
    known = [number for number in numbers if number in UNMISTAKABLE]
    known += [number for message, number in MESSAGES.items() if message in text]
    known += [number for pattern, number in PATTERNS.items() if pattern.search(text)]
    return known


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception, what it was raised from, and what was being handled unless it is a fault; of a group, each."""
    waiting, seen = [error], set()
    while waiting:
        link = waiting.pop()
        if id(link) not in seen:
            seen.add(id(link))
            yield link
            group = link.exceptions if isinstance(link, BaseExceptionGroup) else ()
            handled = None if isinstance(link, FAULTS) else link.__context__
            waiting += [other for other in (link.__cause__, handled, *group) if other is not None]


def _described(number: int, folder: Path) -> str:
    """The trouble, and how much there is of what is missing."""
    figures = ""
    with suppress(OSError):
        if number in {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}:
            existing = next(path for path in (folder, *folder.parents) if path.is_dir())
            figures = f": {shutil.disk_usage(existing).free / MIB:.0f} MiB are free in {_stable_name(folder)}"
        elif number == errno.EMFILE:
            figures = f": the limit is {resource.getrlimit(resource.RLIMIT_NOFILE)[0]}"
        elif number == errno.EAGAIN:
            figures = f": the limit is {resource.getrlimit(resource.RLIMIT_NPROC)[0]}"
    return f"{WORDS[number]}{figures}"


def _stable_name(folder: Path) -> str:
    """The temporary folder of the machine, by a name that does not change from run to run where there is one."""
    with suppress(OSError):  # no folder in which anything can be written
        return tempfile.gettempdir()
    return str(folder.parent)
