"""A look at the pair in somebody's own environment: a few small models by every route."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Final

import timm
import torch

from ..cell.guards import offline
from ..cell.models.catalog_builder import entry_of
from ..cell.models.cutting import build
from ..cell.models.installed import Release
from ..cell.models.placement import Placement
from ..cell.models.reference import ReferenceModel
from ..cell.models.variants import VARIANTS
from ..cell.routes import ROUTES
from ..cell.scenarios import run_case
from ..contract.case import DEFAULT_VARIANT, Case
from ..contract.catalog import BERT
from ..contract.plan import Tolerance
from .console_report import CaseResult, quiet, report, tolerance

MODELS: Final = ("convnext_atto", "vit_relpos_small_patch16_224", "resnet18")
"""LayerScale; buffers that no checkpoint holds; batch norms and no LayerScale."""
OWN: Final[Mapping[str, Sequence[str]]] = {
    "vlm": ("eva02_tiny_patch14_224",),
    "legacy-layernorm": (BERT.model,),
}


def examine(out: IO[str]) -> int:
    """Print what is found; 1 where anything is broken or nothing passes, else 0."""
    offline.enforce()
    return report(_tried(Release.installed(), tolerance()), out)


def _tried(release: Release, tolerance: Tolerance) -> Iterator[CaseResult]:
    with quiet(), tempfile.TemporaryDirectory() as folder:
        there = set(timm.list_models())
        for model in dict.fromkeys((*MODELS, *(name for names in OWN.values() for name in names))):
            if model not in there and model != BERT.model:
                continue
            entry = BERT if model == BERT.model else entry_of(model, build(model, {}))
            reference = ReferenceModel(entry, "slim", Placement("cpu", torch.float32))
            for name, route in ROUTES.items():
                if model in OWN.get(name, MODELS):
                    line = run_case.run(
                        route, VARIANTS[DEFAULT_VARIANT], reference, release, tolerance, Path(folder) / model
                    )
                    yield CaseResult(Case(name, model), entry, line)
