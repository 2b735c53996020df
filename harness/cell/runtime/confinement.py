"""Runs cases in this process so that no case changes the process or the temporary folder for the next one."""

import os
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ...contract import processes
from ...contract.case import RED, Case, Outcome
from ...contract.record import CaseLine
from ..guards import machine, process
from ..guards.machine import MachineTrouble
from .heartbeat import Heartbeat

LONGEST: Final = 240  # characters of an exception's message
HIDING: Final = frozenset({Outcome.ERROR, Outcome.CRASHED})
"""Outcomes that may hide a full disk. Any other means that all was written, and compared."""
HARNESS: Final = "harness"  # the phase of an exception outside any scenario


class Confinement:
    """Runs one case after another, and keeps each to itself."""

    def __init__(self, scratch: Path, worker: str) -> None:
        self.scratch = scratch
        self.worker = worker
        self.heartbeat: Heartbeat | None = None

    def run(self, case: Case, work: Callable[[], CaseLine], needed: int) -> CaseLine:
        """The line of a case, which needs so many bytes in the temporary folder: not-run if the machine failed.

        Raises what pytest-timeout raises, and an exception of the harness itself.
        """
        before, kept = process.ProcessState(), processes.children(os.getpid())
        try:
            line = self._watched(case, work, before.free_files)
        except MachineTrouble as error:
            line = not_run(str(error))
        finally:
            before.restore()
            processes.end_descendants(kept)
            before.spoil_if_files_stay_open()
        if line.outcome in RED:
            room = needed if line.outcome in HIDING else 0
            if trouble := self._trouble(room, before.free_files):
                line = not_run(trouble)
        return line

    def _watched(self, case: Case, work: Callable[[], CaseLine], free_files: int) -> CaseLine:
        """Run a case under the watchdog. Raises MachineTrouble also for what the harness does itself."""
        try:
            self.heartbeat = self.heartbeat or Heartbeat(self.scratch, self.worker)
            with self.heartbeat.at(case.id):
                return work()
        except BaseException as error:
            process.refuse_timeout(error)
            machine.refuse(error, self.scratch, free_files)
            if self._is_gone():
                raise MachineTrouble(self._gone) from error
            if isinstance(error, Exception):
                raise
            process.spoil(type(error).__name__)
            return failed(error)

    def _trouble(self, needed: int, free_files: int) -> str | None:
        return self._gone if self._is_gone() else machine.probe(self.scratch, needed, free_files)

    def _is_gone(self) -> bool:
        """Whether somebody removed the run's folder. A case may have made it again meanwhile, but not the old files."""
        return not self.scratch.is_dir() or (self.heartbeat is not None and self.heartbeat.is_removed())

    @property
    def _gone(self) -> str:
        return f"the temporary folder of the run, {self.scratch}, was removed meanwhile"


def not_run(reason: str) -> CaseLine:
    """The line of a case that the machine kept from having a result."""
    return CaseLine(Outcome.NOT_RUN, reason, {"silent": False})


def failed(error: BaseException) -> CaseLine:
    """The line of a case that an exit, an interrupt or a panic ended outside any scenario."""
    name, message = type(error).__name__, textwrap.shorten(str(error), LONGEST, placeholder=" ...")
    reason = f"{name} in phase {HARNESS}: {message}" if message else f"{name} in phase {HARNESS}"
    description = {"type": name, "message": message, "frame": "", "phase": HARNESS}
    return CaseLine(Outcome.ERROR, reason, {"silent": False, "error": description})
