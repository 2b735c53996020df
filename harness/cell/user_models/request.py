"""A model or a checkpoint of somebody's own, and the roads by which it is tried."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import timm
import torch

from ...contract.case import DEFAULT_VARIANT, OWN_VARIANTS, Case, Outcome
from ...contract.checkpoint import Checkpoint, is_path
from ...contract.plan import Tolerance
from ...contract.record import CaseLine
from ...contract.routes import OWN, Takes, taking
from ..models.catalog_builder import entry_of
from ..models.cutting import build
from ..models.installed import Release
from ..models.placement import Placement
from ..models.reference import ReferenceModel
from ..models.variants import VARIANTS
from ..routes import ROUTES
from ..scenarios import run_case
from ..scenarios.protocol import Route
from ..scenarios.run_case import case_line
from .checkpoint_folder import CheckpointFolder, File
from .save_and_reload import Own, Survival
from .target import Target, Unusable, find, module_of, of_folder, said
from .tensor_files import dtype_of, state_of

ALONE: Final[Mapping[str, Route]] = {OWN: Survival()}
FLOAT: Final = torch.float32


@dataclass(frozen=True)
class Owned:
    """What is tried: by which roads, and in which formats. `subject` is as much of one as these roads ask for."""

    name: str
    reference: Any
    roads: Mapping[str, Route]
    formats: Sequence[str] = (DEFAULT_VARIANT,)

    @property
    def cases(self) -> list[Case]:
        """All that can be tried."""
        return [Case(road, self.name, name) for road in self.roads for name in self.formats]

    def run(self, case: Case, release: Release, tolerance: Tolerance, folder: Path) -> CaseLine:
        """The case's line, with the traits by which rules are chosen."""
        variant = VARIANTS[case.variant]
        if case.route not in self.roads:
            return case_line(Outcome.UNSUPPORTED, f"{self.name} is none of timm's, and has no such route")
        if isinstance(self.reference, CheckpointFolder) and (why := self.reference.unsupported(case.route)):
            return case_line(Outcome.UNSUPPORTED, why)
        line = run_case.run(self.roads[case.route], variant, self.reference, release, tolerance, folder)
        return replace(line, detail={**line.detail, "traits": asdict(self.reference.entry)})


@dataclass(frozen=True)
class Request:
    """What somebody names: a target, and where it needs one a configuration, or what makes the model of a folder."""

    target: str
    config: str | None = None
    maker: str | None = None

    def find(self, device: str = "cpu", dtype: torch.dtype | None = None, *, whole: bool = False) -> Owned:
        """In float32, or the precision of the files, where no other is asked for. Raises Unusable.

        A name that is registered with timm goes timm's routes, or is a module like any other where it is `whole`.
        """
        if is_path(self.target):
            return self._folder(device, dtype)
        if self.maker is not None:
            raise Unusable(f"--class is for a checkpoint folder, and {self.target} is none")
        found = find(self.target, self.config)
        placement = Placement(device, dtype or FLOAT)
        if isinstance(found, str) and not whole:
            return registered(found, placement)
        return alone(module_of(found), placement, name=self.target)

    def module(self) -> Target:
        """What is looked at as a module, whatever it is. Raises Unusable."""
        reference = self.find(whole=True).reference
        if isinstance(reference, Own):
            return reference.target
        return Target(reference.checkpoint.name, reference.build, {"x": torch.zeros(1, *reference.input_size)})

    def _folder(self, device: str, dtype: torch.dtype | None) -> Owned:
        if self.config is not None:
            raise Unusable(f"--config: {self.target} is a folder, and has its own; --class names what makes its model")
        try:
            checkpoint = Checkpoint.read(Path(self.target))
        except ValueError as error:
            raise Unusable(str(error)) from error
        if checkpoint.architecture and self.maker is None:
            return Owned(
                checkpoint.name,
                CheckpointFolder.read(checkpoint, device, dtype),
                {OWN: File(), **{name: ROUTES[name] for name in taking(Takes.FOLDER)}},
            )
        state = state_of(checkpoint)
        target = of_folder(checkpoint, state, self.maker)
        return Owned(checkpoint.name, Own.of(target, Placement(device, dtype or dtype_of(state))), ALONE)


def alone(
    target: Target, placement: Placement, *, name: str | None = None, formats: Sequence[str] = OWN_VARIANTS
) -> Owned:
    """A model that transformers saves and loads whole."""
    return Owned(name or target.name, Own.of(target, placement), ALONE, formats)


def registered(model: str, placement: Placement) -> Owned:
    """A model of timm's registry, as it is. Raises Unusable for one that timm cannot make."""
    try:
        entry = entry_of(model, build(model, {}), whole=True)
    except Exception as error:
        raise Unusable(f"timm.create_model({model!r}) fails with timm {timm.__version__}: {said(error)}") from error
    return Owned(model, ReferenceModel(entry, "full", placement), ROUTES)
