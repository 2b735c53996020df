"""A command in a process of its own, whose exit code is looked at."""

import os
import subprocess
from collections.abc import Mapping, Sequence, Set
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
