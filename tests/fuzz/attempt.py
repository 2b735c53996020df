"""One input at one door: it is taken or refused in a sentence, in time, and nothing else happens."""

import contextlib
import io
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

from hypothesis import strategies as st

from harness.config.errors import ExitCode, HarnessError
from tests.fuzz.changes import CONTROLS, OUTSIDE

HANGS_AFTER: Final = 10  # seconds
LONGEST: Final = 20_000
"""Characters of a message that a person still reads."""


class Hung(BaseException):
    """It took too long."""


@dataclass(frozen=True)
class Door:
    """A way in: what comes, and what takes it. `enter` is called in an empty folder, and returns an exit code."""

    name: str
    inputs: st.SearchStrategy[Any]
    enter: Callable[[Any], int | None]


@dataclass(frozen=True)
class Ended:
    """What became of an input: its exit code, or the kind of failure, and what was said."""

    code: int | None
    failure: str | None = None
    said: str = ""


def attempt(door: Door, given: Any) -> Ended:
    """Try one input."""
    printed = io.BytesIO()
    outputs = io.TextIOWrapper(printed, encoding="utf-8", write_through=True)
    with _folder(), _in_time(), _streams(outputs):
        try:
            code: int | None = door.enter(given) or 0
        except HarnessError as error:
            code = error.exit_code
            said = str(error)
            if not said.strip() or len(said) > LONGEST:
                return Ended(code, "no message that is read", said[:LONGEST])
            outputs.write(said)
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
        except Hung:
            return Ended(None, "hang", traceback.format_exc()[-2_000:])
        except BaseException:  # noqa: BLE001 - whatever it is, it would have been a traceback
            return Ended(None, "traceback", traceback.format_exc())
    return _judged(code, printed.getvalue().decode())


def _judged(code: int | None, text: str) -> Ended:
    """Whether an end that was no traceback is one that a person, and a program, can do with."""
    failure = None
    if code not in {*map(int, ExitCode)}:
        failure = "wrong code"
    elif code == ExitCode.BAD_INPUT and not text.strip():
        failure = "no message that is read"
    elif found := CONTROLS.search(text):
        return Ended(code, "escape", f"{found[0]!r} in {text[max(0, found.start() - 200) : found.end() + 80]!r}")
    return Ended(code, failure, text)


@contextlib.contextmanager
def _folder() -> Iterator[None]:
    """An empty current folder, two levels below one that belongs to the attempt too."""
    with tempfile.TemporaryDirectory() as outside:
        inside = Path(outside) / "a" / "b"
        inside.mkdir(parents=True)
        (inside.parent / OUTSIDE).mkdir()
        (inside.parent / OUTSIDE / "file").write_bytes(b"outside")
        with contextlib.chdir(inside):
            yield


@contextlib.contextmanager
def _in_time() -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        raise Hung

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(HANGS_AFTER)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _streams(outputs: io.TextIOWrapper) -> Iterator[None]:
    """Standard output and error into one, with an encoding that takes no lone surrogate; nothing on standard input."""
    with Path(os.devnull).open() as nothing, contextlib.redirect_stdout(outputs), contextlib.redirect_stderr(outputs):
        before, sys.stdin = sys.stdin, nothing
        try:
            yield
        finally:
            sys.stdin = before
