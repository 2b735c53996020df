"""The environments of the next pair, made by a process of their own while the current pair runs.

What the workers of that pair import is compiled too: each of them would do it by itself, in some 10 seconds.
"""

import contextlib
import multiprocessing
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess
from typing import Any, Final, NoReturn

from ..config.errors import HarnessError
from ..contract.processes import die_with
from .environment import Environment
from .pair_environment import PairEnvironment
from .pair_folder import ROOM

NICE: Final = 10  # the run beside it comes first
SPACE: Final = 2 * ROOM
"""The bytes that should be free: the next pair removes environments if it has to, but not beside what runs."""


def start(environment: Environment, wanted: Sequence[PairEnvironment]) -> BaseProcess | None:
    """Start a process that makes those of the wanted environments that are not complete in `environment.root`.

    None if all are, or if disk is short. It gets a copy of `environment` and says nothing: what goes wrong is found
    again, and said, by whoever needs what is lacking. Raises OSError if there can be no further process.
    """
    lacking = [one for one in wanted if not one.is_in(environment.root)]
    if not lacking or shutil.disk_usage(environment.root).free < SPACE:
        return None
    process = multiprocessing.get_context("spawn").Process(
        # No thread: `installer_output.within` ends all children of its process, among them the pair that runs.
        target=_make,
        args=(environment, lacking, os.getpid()),
        daemon=True,
    )
    with _deaf_to_ctrl_c():
        process.start()
    return process


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Block SIGINT in processes started here: a terminal sends it to all, and the parent ends them."""
    resource_tracker.ensure_running()  # the first process would start it, which unblocks the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _make(environment: Environment, lacking: Sequence[PairEnvironment], parent: int) -> None:
    die_with(parent)
    signal.signal(signal.SIGTERM, _leave)
    os.nice(NICE)
    for one in lacking:
        with contextlib.suppress(HarnessError, OSError), one.installed(environment, _say_nothing) as python:
            python.import_problem()  # compiles what each worker would compile by itself; a problem is found in its turn


def _leave(*_: Any) -> NoReturn:
    """End with what is half done removed."""
    sys.exit()


def _say_nothing(_line: str) -> None:
    """The run beside it reports its own progress."""
