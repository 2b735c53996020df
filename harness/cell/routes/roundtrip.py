"""`roundtrip`: transformers saves what it loaded; timm loads that, and transformers loads it again.

Compared with native timm: names on disk; logits of both.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import timm
from packaging.version import Version
from transformers import AutoModel, AutoModelForImageClassification

from ...contract.catalog import Entry
from ..models.installed import Release
from ..models.native import Native, Outputs
from ..models.reference import ReferenceModel
from ..scenarios.context import CaseContext
from ..scenarios.holder import names_in
from ..scenarios.protocol import Computed, Loaded, Scenario, Written
from .wrapped import PREFIX, embedding, no_wrapper

FILE: Final = "model.safetensors"
LOCAL_DIR: Final = Version("1.0.16")  # since then timm reads a folder with its config.json


class RoundTrip:
    """transformers loads timm's checkpoint and saves it; both libraries load what it saved."""

    name = "roundtrip"

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """Releases before TimmWrapperModel lack the route."""
        return no_wrapper(release)

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """A single scenario: the model with its head, if it has one."""
        return {"": _there_and_back(context)}


def _there_and_back(context: CaseContext) -> Scenario:
    native = context.native(lambda: whole(context.reference))
    model, _ = context.load(auto_class(context.reference).from_pretrained, context.checkpoint())
    folder = context.save(model, context.folder / "resaved", phase="resave")
    yield from loaded_by_both(context, folder, native)


def whole(reference: ReferenceModel) -> Native:
    """The native model with its head, if it has one."""
    return reference.classifier if reference.entry.classifier else reference.headless


def auto_class(reference: ReferenceModel) -> Any:
    """The auto class that loads the model with its head."""
    return AutoModelForImageClassification if reference.entry.classifier else AutoModel


def run_whole(reference: ReferenceModel, model: Any) -> Outputs:
    """The outputs of transformers' model, named as the native ones."""
    return {"logits": model(reference.pixels).logits} if reference.entry.classifier else embedding(reference, model)


def loaded_by_both(context: CaseContext, folder: Path, native: Native) -> Scenario:
    """Compare the names in a folder that transformers wrote; then load it by timm and by transformers."""
    reference = context.reference
    yield Written(folder, names_in(folder), native.names)
    yield from loaded_by_timm(context, folder, native)
    model, info = context.load(auto_class(reference).from_pretrained, folder)
    loaded = Loaded(model, PREFIX, native, info)
    yield loaded
    yield Computed(lambda: run_whole(reference, model), lambda: native.runs, loaded)


def loaded_by_timm(context: CaseContext, folder: Path, native: Native, file: str = FILE, **arguments: Any) -> Scenario:
    """Load a folder by timm, or its `file` if this timm reads no folder; `arguments` go to `create_model`."""
    reference = context.reference
    with context.during("load"):
        if context.release.timm >= LOCAL_DIR:
            created = timm.create_model(f"local-dir:{folder}", pretrained=True, **arguments)
        else:
            file_arguments = {**arguments, "num_classes": reference.classes}
            created = timm.create_model(reference.architecture, checkpoint_path=str(folder / file), **file_arguments)
        module = reference.placement.put(context.look(created).to(reference.placement.dtype))
    loaded = Loaded(module, "", native, by="timm")
    yield loaded
    run = (
        (lambda: {"logits": module(reference.image)})
        if reference.entry.classifier
        else (lambda: reference.embedding(module))
    )
    yield Computed(run, lambda: native.runs, loaded)


ROUTE: Final = RoundTrip()
