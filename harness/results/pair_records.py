"""The records of one pair: its planned cases, the records that count, and its files."""

import hashlib
import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from ..config.errors import BadInput
from ..config.lane import Lane
from ..config.matrix import Matrix
from ..config.options import LATEST, Options
from ..config.pair import Pair
from ..config.whole_file import UNFINISHED
from ..contract import catalog as catalogs
from ..contract.case import HUB, SEED, Case
from ..contract.catalog import Catalog
from ..contract.folder import FILE as FOLDER_ID
from ..contract.routes import OWN
from ..environments import catalog_history
from ..environments.pair_environment import PairEnvironment
from ..planning import currency, plan
from . import store
from .store import Current


@dataclass(frozen=True)
class PairRecords:
    """The records of the selected lanes of one pair."""

    matrix: Matrix
    pair: Pair
    options: Options
    only: frozenset[tuple[str, str]] | None = None
    """The planned cases by lane and id; None plans all selected cases."""
    saved_by: "PairRecords | None" = None
    """The other pair whose checkpoints are loaded, if any."""
    catalogs: Path | None = None
    """The folder of generated catalogs; None means in the results folder."""

    @cached_property
    def environment(self) -> PairEnvironment:
        """How the pair is installed, without companions."""
        latest = self.options.resolve == LATEST
        return PairEnvironment(self.matrix, self.pair, latest=latest, also=self.options.also)

    @cached_property
    def with_companions(self) -> PairEnvironment:
        """How the pair is installed with companions."""
        return replace(self.environment, companions=True)

    def environment_of(self, lane: Lane) -> PairEnvironment:
        """The environment in which a lane runs."""
        return self.with_companions if lane.companions else self.environment

    @property
    def lanes(self) -> list[Lane]:
        """The selected lanes."""
        return plan.lanes(self.matrix, self.options)

    def path(self, lane: Lane) -> Path:
        """The file of a lane's records."""
        return store.path_in(self.options.results, self.pair.id, lane.name)

    @property
    def files(self) -> list[Path]:
        """Every file of the pair in the results folder, existing or not."""
        generated = [catalogs.path_in(folder, self.pair.timm) for folder in self.catalog_folders]
        generated += [path.with_suffix(UNFINISHED) for path in generated]
        records = [self.path(lane) for lane in self.matrix.lanes]
        return [*(self.options.results / name for name in (store.LOCK_FILE, FOLDER_ID)), *generated, *records]

    @property
    def folders(self) -> list[Path]:
        """Every folder of the pair's files, existing or not; of a results folder that is ours also itself."""
        above = [self.options.results, self.options.results.parent] if self.saved_by else []
        return [*above, *self.catalog_folders, *(self.path(lane).parent for lane in self.matrix.lanes)]

    def refuse_strange(self) -> None:
        """Raises BadInput for what is none of the pair's files and folders, and stands in their place."""
        store.refuse_strange(self.files, self.folders)

    def catalog(self) -> Catalog | None:
        """The packaged or generated catalog of the pair's timm with all controls, or None."""
        self.refuse_strange()
        return find_catalog(self.catalog_folders, self.pair.timm, self.matrix.models.controls)

    def reading(self, results: Path) -> "PairRecords":
        """The same pair and options, with the records of another folder."""
        return replace(self, options=replace(self.options, results=results))

    def planned(self, lane: Lane, catalog: Catalog) -> list[Case]:
        """The selected cases of a lane."""
        planned = plan.cases_of(self.matrix, catalog, lane, self.options)
        return [case for case in planned if self.only is None or (lane.name, case.id) in self.only]

    def current(self, catalog: Catalog, lane: Lane) -> Current:
        """What the header of a lane's run must say for its records to count."""
        return Current(
            header={
                "pair": {"id": self.pair.id, **self.pair.versions},
                "seed": SEED,
                "catalog": catalog.digest,
                "lock": self.resolved_from(lane),
                "own": self.options.user_model,
                "weights": HUB if self.options.from_hub else None,
            },
            cell=currency.digests(self.matrix, (*self.matrix.routes, OWN), self.pair.timm),
            lasting=self.lasting,
            wheels={source.package: source.installs for source in self.pair.sources if source.is_wheel},
        )

    @property
    def lasting(self) -> bool:
        """Whether results answer for later days. The newest releases, a branch and a user model may change."""
        moving = any(not source.is_wheel for source in self.pair.sources)
        return not (moving or self.options.resolve == LATEST or self.options.own)

    def recorded(self, lane: Lane, catalog: Catalog) -> store.Recorded:
        """The records of a lane that count."""
        self.refuse_strange()
        return store.load(self.options.results, self.pair.id, lane.name, self.current(catalog, lane))

    @property
    def generated_catalogs(self) -> Path:
        """The folder of generated catalogs."""
        return self.catalogs or self.options.results / "catalogs"

    @property
    def catalog_folders(self) -> tuple[Path, Path]:
        """Where a generated catalog of this pair can be."""
        return self.generated_catalogs, self.catalog_folder

    @property
    def catalog_folder(self) -> Path:
        """The folder for a generated catalog of this pair. A catalog of named models alone has a folder of its own."""
        if not self.options.named_alone:
            return self.generated_catalogs
        digest = hashlib.sha256(json.dumps(self.options.models).encode()).hexdigest()[:16]
        return self.generated_catalogs / f"of-{digest}"

    def resolved_from(self, lane: Lane) -> str | None:
        """The `lock` field of a run's header, with that of the pair that saved the checkpoints."""
        lock = self.environment_of(lane).resolved_from
        return lock if self.saved_by is None else f"{lock}, from {self.saved_by.resolved_from(lane)}"


def find_catalog(folders: Iterable[Path], timm: str, controls: Iterable[str]) -> Catalog | None:
    """The packaged catalog of a timm release, or the first in a folder, with all controls; or None.

    Raises BadInput for an invalid file.
    """
    generated = (_generated(folder, timm) for folder in dict.fromkeys(folders))
    found = itertools.chain([catalog_history.read(timm)], generated)
    return next((catalog for catalog in found if catalog and set(controls) <= set(catalog.controls)), None)


def _generated(folder: Path, timm: str) -> Catalog | None:
    """The catalog of a release in a folder of generated ones, or None. Raises BadInput for an invalid file."""
    path = catalogs.path_in(folder, timm)
    store.refuse_strange([path], [folder])
    try:
        return catalogs.read(folder, timm)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: {error}; delete it, it is made again") from error
