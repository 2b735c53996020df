"""`pipeline`: `pipeline("image-classification")` on the picture of `processor`.

Compared with native timm: all scores and the five best, from end to end, and the names of ImageNet's classes.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from timm.data import ImageNetInfo
from torch import Tensor
from transformers import AutoConfig, pipeline

from ...contract.catalog import Entry
from ..models.installed import Release
from ..models.native import Native, Outputs
from ..scenarios.context import CaseContext
from ..scenarios.protocol import Back, Computed, Described, Loaded, Scenario
from .classifier import no_classifier
from .pictures import other, picture, transform
from .wrapped import PREFIX

TOP: Final = 5
IMAGENET: Final = 1000


class Pipeline:
    """The scores of all classes, and the five best."""

    name = "pipeline"

    def unsupported(self, release: Release, entry: Entry) -> str | None:
        """Releases and models without an image classifier lack the route."""
        return no_classifier(release, entry)

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """The pipeline is given the folder; and the label names of a model of ImageNet's classes, which are timm's."""
        return {"": _classified(context), **({"ImageNet": _labelled(context)} if context.tries_all else {})}


def _labelled(context: CaseContext) -> Scenario:
    """The configuration of a checkpoint of ImageNet's 1,000 classes that names none."""
    described = {name: value for name, value in context.reference.config().items() if name != "label_names"}
    described["num_classes"] = described["pretrained_cfg"]["num_classes"] = IMAGENET
    folder = context.folder / "ImageNet"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(described))
    with context.during("load"):
        config = AutoConfig.from_pretrained(folder)
    info = ImageNetInfo()
    names = {index: info.index_to_description(index) for index in range(IMAGENET)}
    yield Described("the loaded configuration", config, {"num_labels": IMAGENET, "id2label": names})


def _classified(context: CaseContext) -> Scenario:
    reference, model = context.reference, context.reference.classifier.module

    def scores() -> Outputs:
        each = [transform(reference)(given()).to(reference.image)[None] for given in (picture, other)]
        both = torch.cat([model(pixels) for pixels in each]).float().softmax(-1)
        best = both.max(dim=-1).values.cpu()
        return {**_named(both[0]), "best of two pictures": best, "best by its path": best[:1]}

    native = context.native(lambda: Native(model, scores, reference.state))
    folder, path = context.checkpoint(), context.folder / "picture.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    picture().save(path)
    with context.during("load"):
        pipe = pipeline("image-classification", model=str(folder), device=reference.placement.device, **context.dtype)
        context.look(context.mend_model(pipe.model))
    loaded = Loaded(pipe.model, PREFIX, native)
    yield loaded

    def run() -> Outputs:
        best = pipe(picture(), top_k=TOP)
        classes = _classes_by_label(pipe.model.config.id2label, native.runs.first["scores"])
        by_class = {
            classes[label["label"]].pop(0): label["score"] for label in pipe(picture(), top_k=reference.classes)
        }
        every = torch.tensor([by_class[index] for index in range(reference.classes)])
        both = [found[0]["score"] for found in pipe([picture(), other()], top_k=1)]
        return {
            "scores": every,
            f"top {TOP}": torch.tensor(_scores(best)),
            "best of two pictures": torch.tensor(both),
            "best by its path": torch.tensor(_scores(pipe(str(path), top_k=1))),
        }

    yield Computed(run, lambda: native.runs, loaded, back=Back.NEVER)  # a pipeline computes no gradients


def _classes_by_label(labels: Mapping[int, str], scores: Tensor) -> dict[str, list[int]]:
    """The classes of each label, likeliest first as in a pipeline. ImageNet has two classes called crane."""
    classes: dict[str, list[int]] = {}
    for index in scores.argsort(descending=True).tolist():
        classes.setdefault(labels[index], []).append(index)
    return classes


def _named(scores: Tensor) -> Outputs:
    """Scores of shape (classes,), and the best of them in descending order."""
    return {"scores": scores.cpu(), f"top {TOP}": scores.topk(min(TOP, len(scores))).values.cpu()}


def _scores(labels: Sequence[Mapping[str, Any]]) -> list[float]:
    return [label["score"] for label in labels]


ROUTE: Final = Pipeline()
