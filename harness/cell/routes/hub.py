"""`hub`: a checkpoint as the pair's own timm writes it for the hub, in safetensors and in `.bin`.

Through `AutoModel` and through `AutoModelForImageClassification`.

Compared with native timm: as `wrapper` and `classifier`; and config.json with what timm was given.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from timm.models._hub import save_for_hf  # what push_to_hf_hub writes; timm exports it nowhere else

from ...contract.catalog import Entry
from ...contract.checkpoint import config_in
from ..models.installed import Release
from ..scenarios.context import CaseContext
from ..scenarios.protocol import Described, Scenario, Written
from ..scenarios.written_files import names_in
from .classifier import classified
from .wrapped import embedded, no_wrapper

FORMATS: Mapping[str, bool] = {"safetensors": True, "bin": False}
PREPROCESSING: Final = ("mean", "std", "interpolation", "crop_pct", "crop_mode", "input_size")
MODEL_ARGS: Final[Mapping[str, Any]] = {"drop_rate": 0.0}
"""An argument that every model takes, and that changes nothing."""


class Hub:
    """The checkpoint that timm writes, unchanged, in both of its formats."""

    name = "hub"

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """Releases before TimmWrapperModel lack the route."""
        return no_wrapper(release)

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """Each format loaded by each class."""
        return dict(_scenarios(context))


def _scenarios(context: CaseContext) -> Iterator[tuple[str, Scenario]]:
    for name, safe in FORMATS.items():
        write = functools.partial(_write, context, name, safe=safe)
        yield f"AutoModel, {name}", _read(context, write, embedded)
        if context.reference.entry.classifier:
            yield f"AutoModelForImageClassification, {name}", _read(context, write, classified)


def _read(context: CaseContext, write: Callable[[], Path], load: Callable[..., Scenario]) -> Scenario:
    """Compare what timm wrote into config.json with what it was given, and load the folder."""
    folder = write()
    reference = context.reference
    given = {f"model_args.{name}": value for name, value in MODEL_ARGS.items()}
    whole = {"architecture": reference.architecture, "num_features": reference.filled.num_features, **given}
    if reference.classes:
        whole["num_classes"] = reference.classes
    known = reference.filled.pretrained_cfg
    whole |= {f"pretrained_cfg.{name}": known[name] for name in PREPROCESSING if name in known}
    yield Described("the configuration that timm wrote", config_in(folder), whole)
    yield Written(folder, names_in(folder), list(reference.state), by="timm", state=reference.state)
    yield from load(context, lambda: folder)


def _write(context: CaseContext, name: str, *, safe: bool) -> Path:
    folder = context.folder / name
    if not folder.exists():
        reference = context.reference
        context.write(
            folder, lambda: save_for_hf(reference.filled, folder, model_args=dict(MODEL_ARGS), safe_serialization=safe)
        )
    return folder


ROUTE: Final = Hub()
