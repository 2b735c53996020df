"""Tests the pair in the user's environment: a few small models on every route."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import timm
import torch

from ..cell.catalog.traits import entry_of
from ..cell.guards import offline
from ..cell.models.installed import Release
from ..cell.models.placement import Placement
from ..cell.models.reference import ReferenceModel
from ..cell.models.slim import build
from ..cell.models.variants import VARIANTS
from ..cell.routes import ROUTES
from ..cell.scenarios import run_case
from ..contract.case import DEFAULT_VARIANT, Case
from ..contract.catalog import BERT
from ..contract.matching import applying
from ..contract.plan import Tolerance
from ..contract.routes import OF_TEXT
from .case_result import LANE, CaseResult
from .console_report import print_report, quiet
from .messages import Console
from .shipped_matrix import costs, planned, rules, tolerance

MODELS: Final = ("convnext_atto", "vit_relpos_small_patch16_224", "resnet18")
"""With LayerScale; with non-persistent buffers; with batch norms and no LayerScale."""
OF_ROUTE: Final[Mapping[str, Sequence[str]]] = {
    "vlm": ("eva02_tiny_patch14_224",),
    **dict.fromkeys(OF_TEXT, (BERT.model,)),
}
"""Routes with models of their own."""


def examine(console: Console, routes: Sequence[str] = ()) -> int:
    """Run the cases, of these routes alone if any are named, and print the report.

    0 if all that is broken is known of this pair, see `explaining.State`; 1 if anything else is, or none ran.
    """
    offline.enforce()
    return print_report(_results(Release.installed(), tolerance(), console, routes), console, routes=routes)


def _results(release: Release, tolerance: Tolerance, console: Console, routes: Sequence[str]) -> Iterator[CaseResult]:
    with quiet(), tempfile.TemporaryDirectory(dir=console.folder) as folder:
        known, known_rules = set(timm.list_models()), planned(rules(), release)
        for model in dict.fromkeys((*MODELS, *(name for names in OF_ROUTE.values() for name in names))):
            wanted = [name for name in routes or ROUTES if model in OF_ROUTE.get(name, MODELS)]
            if not wanted or (model not in known and model != BERT.model):
                continue
            console.testing(f"while {model} was made")
            entry = BERT if model == BERT.model else entry_of(model, build(model, {}))
            reference = ReferenceModel(entry, "slim", Placement("cpu", torch.float32))
            for name in wanted:
                console.testing(f"while {Case(name, model).id} ran")
                case, variant = Case(name, model), VARIANTS[DEFAULT_VARIANT]
                applicable = applying(known_rules, case, LANE, entry)
                scratch = Path(folder) / model
                line = run_case.run(
                    *(ROUTES[name], variant, reference, release, tolerance, scratch), rules=applicable, costs=costs()
                )
                yield CaseResult(case, entry, line)
