"""`pipeline`: `pipeline("image-classification")` on the picture of `processor`.

Compared with native timm: all scores and the five best, from end to end.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor
from transformers import pipeline

from ...contract.catalog import Entry
from ..models.installed import Release
from ..models.native import Native, Outputs
from ..scenarios.context import CaseContext
from ..scenarios.protocol import Computed, Loaded, Scenario
from .classifier import no_classifier
from .pictures import picture, transform
from .wrapper import PREFIX

TOP: Final = 5


class Pipeline:
    """The scores of all classes, and the five best."""

    name = "pipeline"

    def unsupported(self, release: Release, entry: Entry) -> str | None:
        """Only where there is an image classifier."""
        return no_classifier(release, entry)

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """One: the folder handed to the pipeline."""
        return {"": _classified(context)}


def _classified(context: CaseContext) -> Scenario:
    reference, model = context.reference, context.reference.classifier.module

    def scores() -> Outputs:
        pixels = transform(reference)(picture())[None].to(reference.placement.device, reference.placement.dtype)
        return _named(model(pixels).float().softmax(-1)[0])

    native = context.native(lambda: Native(model, scores, reference.state))
    folder = context.checkpoint()
    with context.during("load"):
        pipe = pipeline("image-classification", model=str(folder), device=reference.placement.device, **context.dtype)
    loaded = Loaded(pipe.model, PREFIX, native)
    yield loaded

    def run() -> Outputs:
        best = pipe(picture(), top_k=TOP)
        places = _places(pipe.model.config.id2label, native.runs.first["scores"])
        by_class = {places[one["label"]].pop(0): one["score"] for one in pipe(picture(), top_k=reference.classes)}
        every = torch.tensor([by_class[at] for at in range(reference.classes)])
        return {"scores": every, "top 5": torch.tensor(_scores(best))}

    yield Computed(run, lambda: native.runs, loaded)


def _places(labels: Mapping[int, str], scores: Tensor) -> dict[str, list[int]]:
    """The classes of each label, the likeliest first, as a pipeline gives them. ImageNet has two kinds of crane."""
    places: dict[str, list[int]] = {}
    for at in scores.argsort(descending=True).tolist():
        places.setdefault(labels[at], []).append(at)
    return places


def _named(scores: Tensor) -> Outputs:
    """Scores of shape (classes,) by class, and the best of them in their order."""
    return {"scores": scores.cpu(), f"top {TOP}": scores.topk(min(TOP, len(scores))).values.cpu()}


def _scores(found: Sequence[Mapping[str, Any]]) -> list[float]:
    return [one["score"] for one in found]


ROUTE: Final = Pipeline()
