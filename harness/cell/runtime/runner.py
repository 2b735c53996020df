"""Runs cases one after another in one process, and keeps the reference model that the cases of a model share."""

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
from ...contract.matching import applying
from ...contract.plan import Plan
from ...contract.record import CaseLine
from ...contract.routes import OWN
from ..guards import imported, memory, offline
from ..guards.imported import ForeignImport
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
    """Runs a plan's cases in one of `workers` processes; its checkpoints lie in `folder`."""

    def __init__(self, plan: Plan, folder: Path, workers: int) -> None:
        self.arguments = (plan, folder, workers)
        self.context_broken = False
        self.entries: dict[str, Entry] = {entry.model: entry for entry in plan.entries}
        self.placement = Placement(plan.device, getattr(torch, plan.dtype))
        self.tolerance, self.costs = plan.tolerance, plan.costs
        self.lane = plan.lane
        self.rules, self.quick = plan.rules, frozenset(plan.quick)
        self.folder = folder
        self.handover = Handover(**{name: Path(path) for name, path in plan.handover.items()})
        self.release = Release.installed()
        self.from_hub = plan.weights == HUB
        self.user_request = plan.own
        self.working_folder = plan.here
        self.user_cases: UserCases | None = None
        self.reference: ReferenceModel | None = None
        gc.collect()
        gc.freeze()  # objects made at import stay, so the collector need not visit them after each case
        if not os.environ.get(THREADS):  # torch reads it itself
            torch.set_num_threads(max(1, (os.cpu_count() or 1) // workers))
        # Both would change the numbers: coarser products, and an algorithm chosen anew at each start.
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
        torch.backends.cudnn.benchmark = False

    def run(self, case: Case) -> CaseLine:
        """Run a case and return its line, with the versions of the libraries that this process imported."""
        try:
            versions = imported.versions()
        except ForeignImport as error:
            return case_line(Outcome.NOT_RUN, str(error))
        return replace(self._run(case), imported=versions)

    def _run(self, case: Case) -> CaseLine:
        if self.placement.device == "cuda" and not torch.cuda.is_available():
            return case_line(Outcome.NOT_RUN, "no CUDA device")
        if self.context_broken:
            return isolation.in_new_process(run_in_new_process, *self.arguments, case)
        try:
            return self._run_user_model(case) if self.user_request else self._run_timm_model(case)
        finally:
            shutil.rmtree(self.folder / case.route, ignore_errors=True)
            if case.size == Size.FULL:
                self._free()
            gc.collect()  # modules hold each other, and a model takes a GiB
            self.context_broken = isolation.context_is_broken(self.placement.device)

    def _free(self) -> None:
        """Free the memory and disk of a full-size case, which other routes may need."""
        if self.reference is not None:
            self.reference.forget()
        for path in self.folder.glob(f"{CHECKPOINT}*"):
            if path.name != f"{CHECKPOINT}{DEFAULT_VARIANT}":
                shutil.rmtree(path, ignore_errors=True)
        gc.collect()
        memory.return_freed()

    def _run_timm_model(self, case: Case) -> CaseLine:
        try:
            reference, handover = self._reference_model(case), self.handover.of(case.id)
        except Unavailable as error:
            return case_line(Outcome.NOT_RUN, str(error))
        route, variant = ROUTES[case.route], VARIANTS[case.variant]
        rules = applying(self.rules, case, self.lane, reference.entry, folder=self.from_hub)
        line = run_case.run(
            *(route, variant, reference, self.release, self.tolerance, self.folder, handover, rules, self.costs),
            quick=case.model in self.quick,
        )
        return replace(line, detail={**line.detail, **pretrained.source_of(reference)})

    def _run_user_model(self, case: Case) -> CaseLine:
        try:
            self.user_cases = self.user_cases or self._resolve(whole=case.route == OWN)
        except Unusable as error:
            description = {"type": "Unusable", "message": str(error), "frame": "", "phase": "native"}
            return case_line(Outcome.ERROR, str(error), detail={"silent": False, "error": description})
        case = replace(case, model=self.user_cases.name)
        return self.user_cases.run(
            *(case, self.release, self.tolerance, self.folder),
            lane=self.lane,
            rules=self.rules,
            costs=self.costs,
            handover=self.handover.of(case.id),
        )

    def _resolve(self, *, whole: bool) -> UserCases:
        """Import the user's model from the folder in which the run was started; a checkpoint folder is no code."""
        fields: Mapping[str, Any] = self.user_request or {}
        request = Request(**fields)
        if request.names_code and self.working_folder not in sys.path:
            sys.path.insert(0, self.working_folder)
        return request.resolve(self.placement.device, self.placement.dtype, whole=whole)

    def _reference_model(self, case: Case) -> ReferenceModel:
        model_and_size = (case.model, case.size)
        if self.reference is None or (self.reference.entry.model, self.reference.size) != model_and_size:
            self.close()
            gc.freeze()  # objects that the libraries imported or cached meanwhile stay too
            self.reference = self._new_reference_model(self.entries[case.model], case.size)
        return self.reference

    def _new_reference_model(self, entry: Entry, size: str) -> ReferenceModel:
        if self.from_hub:
            return Pretrained(entry, self.placement)
        # Memory may not hold both a full-size model and the one loaded from it.
        mapped = MappedTensors(self.folder / "native") if size == Size.FULL else None
        return ReferenceModel(entry, size, replace(self.placement, mapped=mapped))

    def close(self) -> None:
        """Free the reference model and delete all checkpoints."""
        self.reference = None
        gc.collect()
        shutil.rmtree(self.folder, ignore_errors=True)


def run_in_new_process(plan: Plan, folder: Path, workers: int, case: Case) -> CaseLine:
    """Run one case by a new runner; called in a new process."""
    if plan.weights != HUB:
        offline.enforce()
    runner = Runner(plan, folder, workers)
    try:
        return runner.run(case)
    finally:
        runner.close()
