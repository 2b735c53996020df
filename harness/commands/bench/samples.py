"""What the bench measures with: a sample of models, and records that are made up."""

from pathlib import Path
from typing import Final

from ...config.errors import BadInput
from ...config.matrix import Matrix
from ...config.options import Options
from ...contract.case import Outcome
from ...contract.catalog import Catalog
from ...execution import placeholders
from ...execution.pair_run import PairRun

ROUTES: Final = ("wrapper", "classifier", "backbone", "tower")
REPEATS: Final = 5


def sample(catalog: Catalog, count: int) -> list[str]:
    """So many LayerScale models, evenly by size, and none that another is run for."""
    there = [entry for entry in catalog if entry.layer_scale and entry.slim.same_as is None]
    models = [entry.model for entry in sorted(there, key=lambda entry: entry.params)]
    few = min(count, len(models))
    return [models[(2 * place + 1) * len(models) // (2 * few)] for place in range(few)]


def record_all(described: Matrix, folder: Path) -> int:
    """Records of every case of a matrix, as if all had passed; how many. No model is loaded for them."""
    total = 0
    for pair in described.pairs:
        pair_run = PairRun.of(described, pair, Options(results=folder))
        catalog = pair_run.records.catalog()
        if catalog is None:
            continue
        for lane in described.lanes:
            cases = pair_run.records.planned(lane, catalog)
            plan, why = pair_run.plan(lane, catalog, cases), {case.id: "made up" for case in cases}
            placeholders.note_not_run(pair_run.records.path(lane), plan, why, Outcome.PASSED)
            total += len(cases)
    return total


def catalog_of(pair_run: PairRun) -> Catalog:
    """The pair's catalog. Raises BadInput where it has none."""
    catalog = pair_run.records.catalog()
    if catalog is None:
        raise BadInput(
            f"no catalog of timm {pair_run.pair.timm}; make it: nox -s catalog -- timm=={pair_run.pair.timm}"
        )
    return catalog
