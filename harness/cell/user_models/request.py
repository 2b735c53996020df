"""A user's request to test a model or a checkpoint folder, and the cases that test it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import timm
import torch

from ...contract.case import DEFAULT_VARIANT, OWN_VARIANTS, Case, Outcome
from ...contract.checkpoint import Checkpoint, is_path, names_code
from ...contract.finding import one_line
from ...contract.matching import applying
from ...contract.plan import Costs, Rule, Tolerance
from ...contract.record import CaseLine
from ...contract.routes import OWN, Takes, taking
from ..catalog.traits import entry_of
from ..guards import untrusted
from ..models.installed import Release
from ..models.placement import Placement
from ..models.reference import ReferenceModel
from ..models.slim import build
from ..models.variants import VARIANTS
from ..routes import ROUTES
from ..scenarios import run_case
from ..scenarios.handover import NOTHING, Handover
from ..scenarios.protocol import Route
from ..scenarios.run_case import case_line
from .checkpoint_folder import CheckpointFolder, ReadByTimm
from .resolution import as_target, from_folder, resolve
from .save_and_reload import SaveAndReload, UserModel
from .target import Target, Unusable
from .tensor_files import dtype_of, state_of

OWN_ROUTE: Final[Mapping[str, Route]] = {OWN: SaveAndReload()}
FLOAT: Final = torch.float32


@dataclass(frozen=True)
class UserCases:
    """The cases of a user model: its routes and variants.

    `reference` is a ReferenceModel, or a UserModel, which has only the part of one that its route uses.
    """

    name: str
    reference: Any
    routes: Mapping[str, Route]
    variants: Sequence[str] = (DEFAULT_VARIANT,)

    @property
    def cases(self) -> list[Case]:
        """Each route in each variant."""
        return [Case(route, self.name, variant) for route in self.routes for variant in self.variants]

    @property
    def is_as_for_the_hub(self) -> bool:
        """Whether this is a checkpoint folder as timm writes it for the hub."""
        return isinstance(self.reference, CheckpointFolder) and self.reference.checkpoint.is_as_for_the_hub

    def run(  # noqa: PLR0913  the parts of a case
        self,
        case: Case,
        release: Release,
        tolerance: Tolerance,
        folder: Path,
        *,
        lane: str,
        rules: Sequence[Rule],
        costs: Costs | None = None,
        handover: Handover = NOTHING,
    ) -> CaseLine:
        """Run a case; its line also has the traits that rules ask for."""
        variant = VARIANTS[case.variant]
        if case.route not in self.routes:
            return case_line(Outcome.UNSUPPORTED, f"{self.name} is none of timm's, and has no such route")
        if isinstance(self.reference, CheckpointFolder) and (reason := self.reference.unsupported(case.route)):
            return case_line(Outcome.UNSUPPORTED, reason)
        known = applying(rules, case, lane, self.reference.entry, folder=self.is_as_for_the_hub)
        route = self.routes[case.route]
        line = run_case.run(
            *(route, variant, self.reference, release, tolerance, folder, handover), rules=known, costs=costs
        )
        return replace(line, detail={**line.detail, "traits": asdict(self.reference.entry)})


@dataclass(frozen=True)
class Request:
    """A target as the user names it, with its configuration, or with the maker of a folder's model."""

    target: str
    config: str | None = None
    maker: str | None = None

    @property
    def names_code(self) -> bool:
        """Whether the user names code to execute; a checkpoint folder alone is none."""
        return names_code(self.target, self.maker)

    def resolve(self, device: str = "cpu", dtype: torch.dtype | None = None, *, whole: bool = False) -> UserCases:
        """The cases of the target. `dtype` is float32 by default, or the precision of the folder's files.

        A model registered with timm is tested on timm's routes; with `whole`, as a plain module. Raises Unusable.
        """
        if is_path(self.target):
            return self._folder(device, dtype)
        if self.maker is not None:
            raise Unusable(f"--class is for a checkpoint folder, and {self.target} is none")
        target = resolve(self.target, self.config)
        placement = Placement(device, dtype or FLOAT)
        if isinstance(target, str) and not whole:
            return timm_cases(target, placement)
        return own_cases(as_target(target), placement, name=self.target)

    def module(self) -> Target:
        """The model of the target as a plain module. Raises Unusable."""
        reference = self.resolve(whole=True).reference
        if isinstance(reference, UserModel):
            return reference.target
        return Target(reference.checkpoint.name, reference.build, {"x": torch.zeros(1, *reference.input_size)})

    def _folder(self, device: str, dtype: torch.dtype | None) -> UserCases:
        if self.config is not None:
            raise Unusable(f"--config: {self.target} is a folder, and has its own; --class names what makes its model")
        try:
            checkpoint = Checkpoint.read(Path(self.target))
        except ValueError as error:
            raise Unusable(str(error)) from error
        untrusted.read_no_code(checkpoint.folder, names_code=self.names_code)
        if device == "cpu" and not self.names_code:
            untrusted.take_no_more_than_there_is()
        if checkpoint.architecture and self.maker is None:
            return UserCases(
                checkpoint.name,
                CheckpointFolder.read(checkpoint, device, dtype),
                {OWN: ReadByTimm(), **{name: ROUTES[name] for name in taking(Takes.FOLDER)}},
            )
        state = state_of(checkpoint)
        target = from_folder(checkpoint, state, self.maker)
        return UserCases(checkpoint.name, UserModel.of(target, Placement(device, dtype or dtype_of(state))), OWN_ROUTE)


def own_cases(
    target: Target, placement: Placement, *, name: str | None = None, variants: Sequence[str] = OWN_VARIANTS
) -> UserCases:
    """The cases of a model that transformers saves and reloads as a whole."""
    return UserCases(name or target.name, UserModel.of(target, placement), OWN_ROUTE, variants)


def timm_cases(model: str, placement: Placement) -> UserCases:
    """The cases of a model in timm's registry, at full size. Raises Unusable if timm cannot make it."""
    try:
        entry = entry_of(model, build(model, {}), whole=True)
    except Exception as error:
        raise Unusable(f"timm.create_model({model!r}) fails with timm {timm.__version__}: {one_line(error)}") from error
    return UserCases(model, ReferenceModel(entry, "full", placement), ROUTES)
