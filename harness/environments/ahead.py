"""The environments of the next pair, made by a process of their own while the current pair runs."""

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from typing import Final

from ..config.errors import HarnessError
from ..contract.processes import die_with
from .environment import Environment
from .pair_environment import PairEnvironment

NICE: Final = 10  # the run beside it comes first


def begin(environment: Environment, wanted: Sequence[PairEnvironment]) -> BaseProcess | None:
    """Make those that are not there, in silence; None if all are. What goes wrong is the next pair's to find and say.

    A process and no thread: an installation that takes too long ends the children of the process that it is in. It gets
    a copy of `environment`.
    """
    lacking = [one for one in wanted if not one.is_in(environment.root)]
    if not lacking:
        return None
    begun = multiprocessing.get_context("spawn").Process(
        target=_make, args=(environment, lacking, os.getpid()), daemon=True
    )
    begun.start()
    return begun


def _make(environment: Environment, wanted: Sequence[PairEnvironment], parent: int) -> None:
    die_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the parent ends this
    os.nice(NICE)
    for one in wanted:
        with contextlib.suppress(HarnessError, OSError), one.installed(environment, _in_silence):
            pass


def _in_silence(_line: str) -> None:
    """Nobody waits for it, and the run beside it reports its own progress."""
