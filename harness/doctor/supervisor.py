"""Runs a command that executes a user's code in a child process, and decides on its exit code here.

Such code may exit, die, close standard output, fork, or refuse to end. None of that passes for a verdict, which is a
message on a pipe, sent once the report is printed. Standard library only.
"""

import contextlib
import fcntl
import io
import math
import os
import secrets
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from ..contract import tempdirs
from ..contract.processes import adopt_orphans, children, descendants, die_with
from . import json_report
from .messages import Console, Kind, Message, Screen, Teller, Unprinted, parse
from .verdict import BAD_INPUT, Ended, judge

GRACE: Final = 30.0
"""Seconds that the process has to end after its verdict, and its forks after that."""
INTERRUPTED: Final = 2.0
"""Seconds that the process has to end after Ctrl-C."""
POLL: Final = 0.1
HIGH: Final = 64  # descriptors that nobody expects: 0 to 2 may be closed when we start
STOPS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def supervise(command: Callable[[Console], int], grace: float = GRACE, as_json: str | None = None) -> int:
    """Run the command in a child and return the exit code. In the child this returns too: to end as Python ends.

    With `as_json`, the command's name, standard output has one JSON object, and the words go to standard error.
    """
    if sys.stdout is None or not _is_open(1):
        _say("standard output is closed, and nothing could be reported")
        return BAD_INPUT
    sys.stdout.flush()
    token = secrets.token_hex()
    held = contextlib.ExitStack()
    try:
        folder = held.enter_context(tempdirs.folder("check"))
    except OSError as error:
        _say(f"no temporary folder could be made: {error}")
        return BAD_INPUT
    read, write = (_moved(end) for end in os.pipe())
    parent = os.getpid()
    others = frozenset(children(parent))  # of a shell that became this process
    if sys.platform == "linux":  # become the parent of what the child leaves behind, so that it is found
        adopt_orphans()
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)  # until either process knows what to do with them
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
        os.close(read)
        if sys.platform == "linux":
            die_with(parent)
        return _command_in_child(command, Teller(write, token), folder, as_json=as_json is not None)
    os.close(write)
    supervisor = _Supervisor(child, read, token, grace)
    try:
        ended = supervisor.wait()
        left = kill_children(others)
    finally:
        held.close()
    if supervisor.stopped_by is not None:
        _die_by(supervisor.stopped_by)
    verdict = judge(supervisor.messages, ended)
    if as_json is not None and verdict.code != BAD_INPUT:
        verdict = json_report.printed(json_report.document(as_json, supervisor.messages, verdict), verdict)
    if verdict.sentence:
        _say(verdict.sentence)
    elif left and not supervisor.is_drained:
        _say("A process that the tested code had forked was still running; it was killed.")
    return verdict.code


def _say(sentence: str) -> None:
    """Print a sentence on standard error, if there is one."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            sys.stderr.write(f"{sentence}\n")
            sys.stderr.flush()


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _moved(descriptor: int) -> int:
    """The descriptor at a high number, closed in programs that the process starts."""
    high = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, HIGH)
    os.close(descriptor)
    return high


def _command_in_child(command: Callable[[Console], int], teller: Teller, folder: Path, *, as_json: bool) -> int:
    """Run the command, and send its exit code once all is printed, or what ended it."""
    if as_json:  # whatever the code prints goes where the words go
        os.dup2(2 if _is_open(2) else os.open(os.devnull, os.O_WRONLY), 1)
    descriptor = fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, HIGH)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # so that what the code prints stays in its place
    stream = os.fdopen(descriptor, "w", encoding=sys.stdout.encoding, errors="backslashreplace", closefd=False)
    code = 1
    try:
        notes = (teller.reading, teller.testing, *((teller.report,) if as_json else ()))
        code = command(Console(Screen(stream, teller), folder, *notes))
        teller.stop_fork()
        teller.send(Kind.VERDICT, str(int(code)))
    except Unprinted as error:
        teller.send(Kind.UNPRINTED, str(error))
    except BaseException as error:  # noqa: BLE001  user code may raise anything, and a panic is no Exception
        if teller.is_fork:
            os._exit(1)
        if isinstance(error, Exception):  # a bug, ours or theirs
            traceback.print_exc()
        teller.send(Kind.RAISED, " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":"))
    return code


class _Supervisor:
    """Waits for the child, and kills it if it does not end when it should."""

    def __init__(self, child: int, pipe: int, token: str, grace: float) -> None:
        self.child = child
        self.pipe = pipe
        self.token = token
        self.grace = grace
        self.data = b""
        self.is_drained = False
        self.stopped_by: int | None = None

    def wait(self) -> Ended:
        """Wait for the end of the child, and of its copies."""
        os.set_blocking(self.pipe, False)
        with self._stopping():
            ended = self._wait_for_child()
            self._wait_for_forks()
        return ended

    @property
    def messages(self) -> Sequence[Message]:
        """The messages so far."""
        return list(parse(self.data, self.token))

    @contextlib.contextmanager
    def _stopping(self) -> Iterator[None]:
        """Note a signal that is to stop the command, instead of ending at once and leaving the child."""

        def note(number: int, _frame: FrameType | None) -> None:
            self.stopped_by = number

        before = {number: signal.signal(number, note) for number in STOPS}
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _wait_for_child(self) -> Ended:
        deadline, is_told, is_killed = math.inf, False, False
        while True:
            pid, status = os.waitpid(self.child, os.WNOHANG)
            if pid:
                self._read(0.0)
                return Ended(os.waitstatus_to_exitcode(status), in_time=not is_killed)
            self._read(POLL)
            if self.stopped_by is not None and not is_told:
                is_told, deadline = True, time.monotonic() + INTERRUPTED
                if self.stopped_by != signal.SIGINT:  # a terminal sends Ctrl-C to both
                    os.kill(self.child, signal.SIGTERM)
            elif self._is_over and deadline == math.inf:
                deadline = time.monotonic() + self.grace
            if time.monotonic() > deadline:
                is_killed = True
                os.kill(self.child, signal.SIGKILL)

    @property
    def _is_over(self) -> bool:
        """Whether the command has ended, and the process alone goes on."""
        return any(message.kind in {Kind.VERDICT, Kind.RAISED, Kind.UNPRINTED} for message in self.messages)

    def _wait_for_forks(self) -> None:
        """Give copies of the child that hold its pipe the time to come to their report, which is none."""
        deadline = time.monotonic() + self.grace
        while not self.is_drained and self.stopped_by is None and time.monotonic() < deadline:
            self._read(POLL)

    def _read(self, seconds: float) -> None:
        """Read what is in the pipe, for at most so many seconds."""
        if self.is_drained:
            time.sleep(seconds)
            return
        with contextlib.suppress(InterruptedError):
            if select.select([self.pipe], [], [], seconds)[0]:
                with contextlib.suppress(BlockingIOError):
                    while data := os.read(self.pipe, 2**16):
                        self.data += data
                    self.is_drained = True


def kill_children(spared: frozenset[int], seconds: float = GRACE) -> int:
    """Kill all that the child left running, wait for it, and say how many there were."""
    killed: set[int] = set()
    deadline = time.monotonic() + seconds
    while (left := set(children(os.getpid())) - spared) and time.monotonic() < deadline:
        for pid in (other for child in left for other in (child, *descendants(child))):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        for pid in left:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        killed |= left
        time.sleep(POLL / 10)
    return len(killed)


def _die_by(number: int) -> NoReturn:
    """End as the signal ends a process, so that a shell sees Ctrl-C."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    raise SystemExit(128 + number)
