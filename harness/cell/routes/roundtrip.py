"""`roundtrip`: transformers saves what it loaded; timm loads that, and transformers loads it again.

Once without the head that was saved, and once with a new one.

Compared with native timm: names on disk, and the configuration; logits of both.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import timm
from packaging.version import Version
from transformers import AutoModel, AutoModelForImageClassification

from ...contract.catalog import Entry
from ...contract.checkpoint import config_in
from ..models.installed import Release
from ..models.native import Native, Outputs
from ..models.reference import ReferenceModel
from ..scenarios.context import CaseContext
from ..scenarios.protocol import Computed, Described, Fresh, Loaded, Scenario, Written
from ..scenarios.written_files import names_in
from .wrapped import PREFIX, embedded, embedding, head, no_wrapper

FILE: Final = "model.safetensors"
MOVED: Final = frozenset({"num_classes"})
"""A field of `pretrained_cfg` that transformers keeps beside it."""
LOCAL_DIR: Final = Version("1.0.16")  # since then timm reads a folder with its config.json


class RoundTrip:
    """transformers loads timm's checkpoint and saves it; both libraries load what it saved."""

    name = "roundtrip"

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """Releases before TimmWrapperModel lack the route."""
        return no_wrapper(release)

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """The model with its head, if it has one; then also what has a head read without it, and the reverse."""
        scenarios = {"": _there_and_back(context)}
        if context.tries_all and context.reference.entry.classifier:
            scenarios |= {"head into base": _without_head(context), "base into head": _with_head(context)}
        return scenarios


def _there_and_back(context: CaseContext) -> Scenario:
    native = context.native(lambda: whole(context.reference))
    checkpoint = context.checkpoint()
    model, _ = context.load(auto_class(context.reference).from_pretrained, checkpoint)
    folder = context.save(model, context.folder / "resaved", phase="resave")
    yield Described("the configuration that transformers wrote", config_in(folder), _described(context, checkpoint))
    yield from loaded_by_both(context, folder, native)


def _described(context: CaseContext, checkpoint: Path) -> Mapping[str, Any]:
    """What the configuration of the checkpoint says, and must say again."""
    config = context.reference.described(checkpoint)
    fields = {name: config[name] for name in ("architecture", "label_names", "num_classes") if name in config}
    pretrained = ((name, value) for name, value in config["pretrained_cfg"].items() if name not in MOVED)
    return {**fields, **{f"pretrained_cfg.{name}": value for name, value in pretrained}}


def _without_head(context: CaseContext) -> Scenario:
    """Save a classifier, and load it by AutoModel."""
    model, _ = context.load(AutoModelForImageClassification.from_pretrained, context.checkpoint())
    folder = context.save(model, context.folder / "head", phase="resave")
    yield from embedded(context, lambda: folder)


def _with_head(context: CaseContext) -> Scenario:
    """Save what AutoModel loaded, and load it with a head, which is made anew."""
    reference, native = context.reference, context.native(lambda: context.reference.classifier)
    model, _ = context.load(AutoModel.from_pretrained, context.checkpoint())
    folder = context.save(model, context.folder / "base", phase="resave")
    model, info = context.load(AutoModelForImageClassification.from_pretrained, folder)
    new = head(reference)
    loaded = Loaded(model, PREFIX, native, info, left_out=new, absent=new, runs=False)
    yield loaded
    yield Fresh(loaded.timm_module, new)


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
    yield Written(folder, names_in(folder), native.names, state=native.state)
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
