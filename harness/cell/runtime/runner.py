"""Runs cases one after the other in one process, keeping what the cases of one model share."""

import gc
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import torch

from ...contract.case import DEFAULT_VARIANT, HUB, Case, Outcome, Size
from ...contract.catalog import Entry
from ...contract.plan import Plan
from ...contract.record import CaseLine
from ...contract.routes import OWN
from ..guards import memory, offline
from ..models import pretrained
from ..models.installed import Release
from ..models.mapped_tensors import MappedTensors
from ..models.placement import Placement
from ..models.pretrained import Pretrained, Unavailable
from ..models.reference import ReferenceModel
from ..models.variants import VARIANTS
from ..routes import ROUTES
from ..scenarios import run_case
from ..scenarios.context import CHECKPOINT
from ..scenarios.handover import Handover
from ..scenarios.run_case import case_line
from ..user_models.request import Request, UserCases
from ..user_models.target import Unusable
from . import isolation

THREADS: Final = "OMP_NUM_THREADS"


class Runner:
    """One worker's share of a plan, one of so many workers. Its checkpoints lie in `folder`."""

    def __init__(self, plan: Plan, folder: Path, workers: int) -> None:
        self.again = (plan, folder, workers)
        self.broken = False
        self.entries: dict[str, Entry] = {entry.model: entry for entry in plan.entries}
        self.placement = Placement(plan.device, getattr(torch, plan.dtype))
        self.tolerance = plan.tolerance
        self.folder = folder
        self.handover = Handover(**{name: Path(where) for name, where in plan.handover.items()})
        self.release = Release.installed()
        self.from_hub = plan.weights == HUB
        self.own = plan.own
        self.here = plan.here
        self.owned: UserCases | None = None
        self.reference: ReferenceModel | None = None
        gc.collect()
        gc.freeze()  # what the libraries made at import stays, and need not be looked at after each case
        if not os.environ.get(THREADS):  # which torch has read by itself
            torch.set_num_threads(max(1, (os.cpu_count() or 1) // workers))
        # What would make the same numbers come out otherwise: coarser products, and another algorithm at each start.
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
        torch.backends.cudnn.benchmark = False

    def run(self, case: Case) -> CaseLine:
        """The case's line."""
        if self.placement.device == "cuda" and not torch.cuda.is_available():
            return case_line(Outcome.NOT_RUN, "no CUDA device")
        if self.broken:
            return isolation.apart(run_alone, *self.again, case)
        try:
            return self._own(case) if self.own else self._timms(case)
        finally:
            shutil.rmtree(self.folder / case.route, ignore_errors=True)
            if case.size == Size.FULL:
                self._give_back()
            gc.collect()  # modules hold each other, and a model takes a GiB
            self.broken = isolation.context_is_broken(self.placement.device)

    def _give_back(self) -> None:
        """Memory and disk that other routes could use, and are short."""
        if self.reference is not None:
            self.reference.forget()
        for path in self.folder.glob(f"{CHECKPOINT}*"):
            if path.name != f"{CHECKPOINT}{DEFAULT_VARIANT}":
                shutil.rmtree(path, ignore_errors=True)
        gc.collect()
        memory.return_freed()

    def _timms(self, case: Case) -> CaseLine:
        try:
            reference, handover = self._subject(case), self.handover.of(case.id)
        except Unavailable as error:
            return case_line(Outcome.NOT_RUN, str(error))
        route, variant = ROUTES[case.route], VARIANTS[case.variant]
        line = run_case.run(route, variant, reference, self.release, self.tolerance, self.folder, handover)
        return replace(line, detail={**line.detail, **pretrained.source_of(reference)})

    def _own(self, case: Case) -> CaseLine:
        """A model of somebody's own, found where they were when they asked."""
        try:
            self.owned = self.owned or self._found(whole=case.route == OWN)
        except Unusable as error:
            told = {"type": "Unusable", "message": str(error), "frame": "", "phase": "native"}
            return case_line(Outcome.ERROR, str(error), detail={"silent": False, "error": told})
        return self.owned.run(replace(case, model=self.owned.name), self.release, self.tolerance, self.folder)

    def _found(self, *, whole: bool) -> UserCases:
        if self.here not in sys.path:
            sys.path.insert(0, self.here)
        own: Mapping[str, Any] = self.own or {}
        return Request(**own).resolve(self.placement.device, self.placement.dtype, whole=whole)

    def _subject(self, case: Case) -> ReferenceModel:
        wanted = (case.model, case.size)
        if self.reference is None or (self.reference.entry.model, self.reference.size) != wanted:
            self.close()
            gc.freeze()  # what the libraries import or keep as they are used stays too
            self.reference = self._made(self.entries[case.model], case.size)
        return self.reference

    def _made(self, entry: Entry, size: str) -> ReferenceModel:
        if self.from_hub:
            return Pretrained(entry, self.placement)
        # A full-size model and the one loaded from it are more than memory holds.
        mapped = MappedTensors(self.folder / "native") if size == Size.FULL else None
        return ReferenceModel(entry, size, replace(self.placement, mapped=mapped))

    def close(self) -> None:
        """Let go of the model and its checkpoint."""
        self.reference = None
        gc.collect()
        shutil.rmtree(self.folder, ignore_errors=True)


def run_alone(plan: Plan, folder: Path, workers: int, case: Case) -> CaseLine:
    """One case by a runner of its own, in a process of its own."""
    if plan.weights != HUB:
        offline.enforce()
    runner = Runner(plan, folder, workers)
    try:
        return runner.run(case)
    finally:
        runner.close()
