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
from .wrapped import PREFIX

TOP: Final = 5


class Pipeline:
    """The scores of all classes, and the five best."""

    name = "pipeline"

    def unsupported(self, release: Release, entry: Entry) -> str | None:
        """Releases and models without an image classifier lack the route."""
        return no_classifier(release, entry)

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """A single scenario: the pipeline is given the folder."""
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
        return {"scores": every, "top 5": torch.tensor(_scores(best))}

    yield Computed(run, lambda: native.runs, loaded, goes_back=False)  # a pipeline computes no gradients


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
