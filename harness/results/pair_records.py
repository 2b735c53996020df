"""The records of one pair: which cases are planned, which records count, and where its files lie."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from ..config.errors import BadInput
from ..config.matrix import Lane, Matrix
from ..config.options import LATEST, Options
from ..config.pair import Pair
from ..contract import catalog as catalogs
from ..contract.case import HUB, SEED, Case
from ..contract.catalog import Catalog
from ..contract.routes import OWN
from ..environments.pair_environment import UNFINISHED, PairEnvironment
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
    """The cases that are planned, by lane and id; all that the options leave where it is None."""
    saved_by: "PairRecords | None" = None
    """The pair whose checkpoints are loaded, where that is another one."""
    catalogs: Path | None = None
    """Where generated catalogs are; in the results folder where it is None."""

    @cached_property
    def environment(self) -> PairEnvironment:
        """What the pair's environment is made of."""
        return PairEnvironment(self.matrix, self.pair, latest=self.options.resolve == LATEST)

    @property
    def lanes(self) -> list[Lane]:
        """The selected lanes."""
        return plan.lanes(self.matrix, self.options)

    def path(self, lane: Lane) -> Path:
        """The file of a lane's records."""
        return store.path_in(self.options.results, self.pair.id, lane.name)

    @property
    def files(self) -> list[Path]:
        """Every folder and file of the pair in the results folder, whether it is there or not."""
        records = [self.path(lane) for lane in self.matrix.lanes]
        made = [catalogs.path_in(folder, self.pair.timm) for folder in (self.generated_catalogs, self.catalog_folder)]
        made += [path.with_suffix(UNFINISHED) for path in made]
        above = [self.options.results, self.options.results.parent] if self.saved_by else []
        return [
            *above,
            self.options.results / store.LOCK_FILE,
            self.generated_catalogs,
            self.catalog_folder,
            *made,
            *(path.parent for path in records),
            *records,
        ]

    def catalog(self) -> Catalog | None:
        """The catalog of the pair's timm with all controls, packaged or made earlier; None where there is none."""
        store.refuse_links(self.files)
        folders = (catalogs.PACKAGED, self.generated_catalogs, self.catalog_folder)
        return find_catalog(folders, self.pair.timm, self.matrix.models.controls)

    def reading(self, results: Path) -> "PairRecords":
        """The same with the records of another folder."""
        return replace(self, options=replace(self.options, results=results))

    def planned(self, lane: Lane, catalog: Catalog) -> list[Case]:
        """The selected cases of a lane."""
        planned = plan.cases_of(self.matrix, catalog, lane, self.options)
        return [case for case in planned if self.only is None or (lane.name, case.id) in self.only]

    def current(self, catalog: Catalog) -> Current:
        """What a run's header must say for its records to count now."""
        return Current(
            header={
                "pair": {"id": self.pair.id, **self.pair.versions},
                "seed": SEED,
                "catalog": catalog.digest,
                "lock": self.resolved_from,
                "own": self.options.asked,
                "weights": HUB if self.options.from_hub else None,
            },
            cell=currency.digests(self.matrix, (*self.matrix.routes, OWN)),
        )

    def recorded(self, lane: Lane, catalog: Catalog) -> store.Recorded:
        """The records of a lane that count."""
        store.refuse_links(self.files)
        return store.load(self.options.results, self.pair.id, lane.name, self.current(catalog))

    @property
    def generated_catalogs(self) -> Path:
        """Where catalogs are that were made on the spot."""
        return self.catalogs or self.options.results / "catalogs"

    @property
    def catalog_folder(self) -> Path:
        """Where the pair's catalog goes if it is made on the spot: of the named models alone where they will do."""
        if not self.options.named_anyway:
            return self.generated_catalogs
        digest = hashlib.sha256(json.dumps(self.options.models).encode()).hexdigest()[:16]
        return self.generated_catalogs / f"of-{digest}"

    @property
    def resolved_from(self) -> str | None:
        """What a run's header says of its environment, and of that of the pair that saved the checkpoints."""
        own = self.environment.resolved_from
        return own if self.saved_by is None else f"{own}, from {self.saved_by.resolved_from}"


def find_catalog(folders: Iterable[Path], timm: str, controls: Iterable[str]) -> Catalog | None:
    """The first of a timm release with all controls; None where there is none. Raises BadInput for one that is none."""
    for folder in dict.fromkeys(folders):
        try:
            found = catalogs.read(folder, timm)
        except ValueError as error:
            path = catalogs.path_in(folder, timm)
            raise BadInput(f"{path}: {error}; delete it, it is made again") from error
        if found is not None and set(controls) <= set(found.controls):
            return found
    return None
