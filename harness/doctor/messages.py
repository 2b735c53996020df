"""What the process that runs a user's code tells the one that waits for it, on a pipe of their own.

A message is a line of JSON with a secret token, so that nothing else that ends up in the pipe counts. Standard library
only.
"""

import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, Final, Protocol

from ..contract.finding import printable_lines

Note = Callable[[str], None]
"""Says what is being done; a sentence about a process that ended needs it."""
Report = Callable[[Mapping[str, Any]], None]
"""Takes fields of the JSON object, if the command is asked for one; see `json_report`."""
STRAY: Final = 1
"""The exit code of a forked process that is stopped on its way to the report; nobody reads it."""


class Kind(StrEnum):
    """The kinds of messages."""

    READING = "reading"  # doing something before the target is known to be usable
    TESTING = "testing"  # doing something after that
    REPORT = "report"  # fields of the JSON object that is asked for
    VERDICT = "verdict"  # an exit code, after the report was printed
    RAISED = "raised"  # an exception that ended the command
    UNPRINTED = "unprinted"  # an exception of the stream to which the report is written
    FORKED = "forked"  # a copy of the process went on with the report


@dataclass(frozen=True)
class Message:
    """A message: its kind, and a text or a number in digits."""

    kind: Kind
    text: str


def parse(data: bytes, token: str) -> Iterator[Message]:
    """The messages in the pipe's content; lines without the token are somebody else's."""
    for line in data.splitlines():
        try:
            content = json.loads(line)
            if content["token"] == token:
                yield Message(Kind(content["kind"]), content["text"])
        except (ValueError, KeyError, TypeError):
            continue


def reported(messages: Iterable[Message]) -> Mapping[str, Any]:
    """The fields of the JSON object that were sent; lists of several messages are put together."""
    found: dict[str, Any] = {}
    for message in messages:
        if message.kind is Kind.REPORT:
            for name, value in json.loads(message.text).items():
                found[name] = [*found.get(name, ()), *value] if isinstance(value, list) else value
    return found


class Unprinted(Exception):
    """The report could not be written; the message says why."""


class Teller:
    """Sends messages, and stops a copy of the process that user code forked: the report is printed once."""

    def __init__(self, descriptor: int, token: str) -> None:
        self._descriptor = descriptor
        self._token = token
        self._process = os.getpid()
        self._pipe = os.fstat(descriptor)

    @property
    def is_fork(self) -> bool:
        """Whether this process is a copy of the one that was made to run the command."""
        return os.getpid() != self._process

    def send(self, kind: Kind, text: str) -> None:
        """Send a message. A pipe that user code closed is left alone: its number may be a file of theirs."""
        line = json.dumps({"token": self._token, "kind": kind, "text": text}) + "\n"
        try:
            now = os.fstat(self._descriptor)
            if (now.st_dev, now.st_ino) == (self._pipe.st_dev, self._pipe.st_ino):
                os.write(self._descriptor, line.encode())
        except OSError:
            return  # no verdict arrives, which is a sentence of its own

    def reading(self, what: str) -> None:
        """Say what is done before the target is known to be usable."""
        self.stop_fork()
        self.send(Kind.READING, what)

    def testing(self, what: str) -> None:
        """Say what is done after that."""
        self.stop_fork()
        self.send(Kind.TESTING, what)

    def report(self, fields: Mapping[str, Any]) -> None:
        """Send fields of the JSON object."""
        self.stop_fork()
        self.send(Kind.REPORT, json.dumps(fields))

    def stop_fork(self) -> None:
        """End this process at once if it is a copy, and say so."""
        if self.is_fork:
            self.send(Kind.FORKED, str(os.getpid()))
            os._exit(STRAY)


class Out(Protocol):
    """What the report is written to."""

    def write(self, text: str, /) -> int:
        """Write."""


class Screen:
    """The stream of the report: standard output as it was before user code could close or redirect it."""

    def __init__(self, stream: IO[str], teller: Teller) -> None:
        self._stream = stream
        self._teller = teller

    def write(self, text: str, /) -> int:
        """Write at once. Raises Unprinted."""
        self._teller.stop_fork()
        try:
            written = self._stream.write(printable_lines(text))
            self._stream.flush()
        except (OSError, ValueError) as error:
            raise Unprinted(str(error)) from error
        return written


@dataclass(frozen=True)
class Console:
    """What a command has of its surroundings: a stream for the report, notes of what it does, a folder to fill."""

    out: Out
    folder: Path | None = None
    """The place of temporary folders; the default one if None. Whoever made it removes it."""
    reading: Note = lambda _: None
    testing: Note = lambda _: None
    report: Report = lambda _: None


UNWATCHED: Final = Console(io.StringIO())
"""Of code that runs in the caller's own process and prints nothing."""
