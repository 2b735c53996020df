"""`hub`: a checkpoint as the pair's own timm writes it for the hub, in safetensors and in `.bin`.

Through `AutoModel` and through `AutoModelForImageClassification`.

Compared with native timm: as `wrapper` and `classifier`.
"""

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from timm.models._hub import save_for_hf  # what push_to_hf_hub writes; timm exports it nowhere else

from ...contract.catalog import Entry
from ..models.installed import Release
from ..scenarios.context import CaseContext
from ..scenarios.protocol import Scenario
from .classifier import classified
from .wrapper import embedded, no_wrapper

FORMATS: Mapping[str, bool] = {"safetensors": True, "bin": False}


class Hub:
    """What timm writes, nothing removed or mended, in both of its formats."""

    name = "hub"

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """Not before TimmWrapperModel."""
        return no_wrapper(release)

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """Each format into each class."""
        return dict(_legs(context))


def _legs(context: CaseContext) -> Iterator[tuple[str, Scenario]]:
    for name, safe in FORMATS.items():
        written = functools.partial(_write, context, name, safe=safe)
        yield f"AutoModel, {name}", embedded(context, written)
        if context.reference.entry.classifier:
            yield f"AutoModelForImageClassification, {name}", classified(context, written)


def _write(context: CaseContext, name: str, *, safe: bool) -> Path:
    folder = context.folder / name
    if not folder.exists():
        context.write(folder, lambda: save_for_hf(context.reference.filled, folder, safe_serialization=safe))
    return folder


ROUTE: Final = Hub()
