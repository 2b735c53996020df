"""A command in a process of its own, whose exit code is looked at."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Final

from ...contract.package import ROOT

LAST: Final = 2000  # characters kept of what went wrong


def run(command: Sequence[str], told: Mapping[str, str], good: Set[int] = frozenset({0})) -> str:
    """What it says on standard output, run in the project's folder with these environment variables besides.

    Raises RuntimeError, with its last words, for one that ends with another exit code.
    """
    ended = subprocess.run(  # noqa: S603 - our own words
        command, cwd=ROOT, env={**os.environ, **told}, capture_output=True, text=True, check=False
    )
    if ended.returncode not in good:
        said = (ended.stdout + ended.stderr)[-LAST:]
        raise RuntimeError(f"{' '.join(command)} ended with {ended.returncode}: {said}")
    return ended.stdout


def nox(session: str, *words: str, place: Path | None = None) -> list[str]:
    """A command as a user gives it; its environments in `place` where it is given."""
    where = ["--envdir", str(place)] if place else []
    return [sys.executable, "-m", "nox", *where, "-s", session, "--", *words]


def each(flag: str, values: Sequence[str]) -> list[str]:
    """The option once for each value."""
    return [word for value in values for word in (flag, value)]


def timed(words: Sequence[str], told: Mapping[str, str] | None = None, *, good: Set[int] = frozenset({0})) -> float:
    """Seconds of a command. Raises RuntimeError for one that ends with another exit code: it did something else."""
    started = time.perf_counter()
    run(words, {"NOX_SCRIPT_MODE": "none", **(told or {})}, good)
    return time.perf_counter() - started
