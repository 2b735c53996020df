"""What the wrappers take besides one picture, and give besides one output: scenarios of `wrapper` and `classifier`.

Compared with native timm: two different pictures, an oblong one, a tuple instead of an object, no pooling, labels and
the loss of them, hidden states beside the other outputs, and a plain call after all these.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional
from transformers import AutoModel, AutoModelForImageClassification

from ..models.native import Native, Outputs, Runs, numbered, under
from ..models.reference import ReferenceModel
from ..scenarios.context import CaseContext
from ..scenarios.protocol import Back, Computed, Described, Loaded, Scenario
from .wrapped import PREFIX, head

STATES: Final = "with hidden states"


def of_wrapper(context: CaseContext) -> Scenario:
    """Load with `do_pooling=False`, then ask for it, and for everything else."""
    reference, native = context.reference, context.native(lambda: context.reference.headless)
    model, info = context.load(AutoModel.from_pretrained, context.checkpoint(), do_pooling=False)
    loaded = Loaded(model, PREFIX, native, info, left_out=head(reference))
    yield loaded
    names, states = tuple(native.runs.first), reference.entry.intermediates
    oblong, takes_oblong = reference.oblong, _takes_oblong(reference, native)
    asking = {"do_pooling": True} if "pooler_output" in names else {}

    def pooled(pixels: Tensor, **kwargs: Any) -> Any:
        return model(pixels, **asking, **kwargs)

    def run() -> Outputs:
        unpooled = model(reference.pixels)
        is_pooled = {"is pooled": torch.tensor(unpooled.pooler_output is not None)}
        return {
            **under("without pooling", {"last_hidden_state": unpooled.last_hidden_state, **is_pooled}),
            **under("as a tuple", _in_order(names, pooled(reference.pixels, return_dict=False))),
            **under("two pictures", _named(names, pooled(reference.two))),
            **(under(STATES, _named(names, pooled(reference.pixels, output_hidden_states=True))) if states else {}),
            **(under("oblong", _named(names, pooled(oblong))) if takes_oblong else {}),
            **under("again", _named(names, pooled(reference.pixels))),
        }

    def expected() -> Outputs:
        module = native.module
        plain = reference.embedding(module)
        unpooled = {"last_hidden_state": plain["last_hidden_state"], "is pooled": torch.tensor(data=False)}
        return {
            **under("without pooling", unpooled),
            **under("as a tuple", plain),
            **under("two pictures", reference.embedding(module, reference.two)),
            **(under(STATES, plain) if states else {}),
            **(under("oblong", reference.embedding(module, oblong)) if takes_oblong else {}),
            **under("again", plain),
        }

    yield _computed(run, expected, loaded)


def of_classifier(context: CaseContext) -> Scenario:
    """Load once, and call with labels, for hidden states, and for a tuple."""
    reference, native = context.reference, context.native(lambda: context.reference.classifier)
    folder = context.checkpoint()
    model, info = context.load(AutoModelForImageClassification.from_pretrained, folder)
    loaded = Loaded(model, PREFIX, native, info)
    yield loaded
    names = dict(enumerate(reference.described(folder).get("label_names") or ()))  # a user's folder may name none
    classes = {name: index for index, name in names.items()}
    labelled = {"id2label": names, "label2id": classes} if len(classes) == reference.classes else {}
    yield Described("the loaded configuration", model.config, {"num_labels": reference.classes, **labelled})
    of_two = labels(reference)
    states = reference.entry.intermediates
    oblong, takes_oblong = reference.oblong, _takes_oblong(reference, native)

    def run() -> Outputs:
        with_labels = model(reference.two, labels=of_two)
        as_tuple = model(reference.two, labels=of_two, return_dict=False)
        return {
            **under("with labels", {"loss": with_labels.loss, "logits": with_labels.logits}),
            **under("as a tuple", _in_order(("loss", "logits"), as_tuple)),
            **(under(STATES, _with_states(reference, model)) if states else {}),
            **(under("oblong", {"logits": model(oblong).logits}) if takes_oblong else {}),
            **under("again", {"logits": model(reference.pixels).logits}),
        }

    def expected() -> Outputs:
        module: Any = native.module
        logits = module(reference.two.to(reference.placement.dtype))
        with_labels = {"loss": functional.cross_entropy(logits, of_two), "logits": logits}
        return {
            **under("with labels", with_labels),
            **under("as a tuple", with_labels),
            **(under(STATES, dict(_native_states(reference, module))) if states else {}),
            **(under("oblong", {"logits": module(oblong.to(reference.placement.dtype))}) if takes_oblong else {}),
            **under("again", {"logits": module(reference.image)}),
        }

    yield _computed(run, expected, loaded)


def labels(reference: ReferenceModel) -> Tensor:
    """The labels of two pictures."""
    return torch.tensor([1, 0], device=reference.placement.device)


def _computed(run: Callable[[], Outputs], expected: Callable[[], Outputs], loaded: Loaded) -> Computed:
    """The step of these calls, in which both sides are traced by them."""
    native = Native(loaded.native.module, expected, loaded.native.state)
    return Computed(run, lambda: Runs.of(expected), replace(loaded, native=native), back=Back.NEVER, twice=False)


def _named(names: Iterable[str], output: Any) -> Outputs:
    """The outputs of these names that there are."""
    return {name: output[name] for name in names if output.get(name) is not None}


def _in_order(names: Sequence[str], outputs: Sequence[Tensor]) -> Outputs:
    """The outputs of a tuple, by the names that they have in this order."""
    more = (f"output {index}" for index in range(len(names), len(outputs)))
    return dict(zip((*names, *more), outputs, strict=False))


def _takes_oblong(reference: ReferenceModel, native: Native) -> bool:
    """Whether native timm takes an oblong picture."""
    try:
        with torch.no_grad():
            native.module(reference.oblong.to(reference.placement.dtype))
    except Exception:  # noqa: BLE001  a model refuses an input with any exception
        return False
    return True


def _with_states(reference: ReferenceModel, model: Any) -> Outputs:
    output = model(reference.pixels, output_hidden_states=True)
    return {"logits": output.logits, **numbered(output.hidden_states, "hidden_states")}


def _native_states(reference: ReferenceModel, module: Any) -> Iterator[tuple[str, Tensor]]:
    last, states = module.forward_intermediates(reference.image)
    yield "logits", module.forward_head(last)
    yield from numbered(states, "hidden_states").items()
