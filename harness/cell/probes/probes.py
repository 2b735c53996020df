"""What the installed timm computes for one slim model, in each way in which its users build and run it.

Native timm is no oracle for itself: whatever it computes, a loaded model computes too. So each probe is compared with
what the same and the release before gave. Only timm's public functions are used.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import timm
import torch
from torch import Tensor, nn

from ...contract.case import SEED
from ...contract.fingerprints import Print
from ..compare.comparison import fingerprint
from ..models import weights
from ..models.native import DROPOUT, DROPS, Outputs, numbered, refuse_nonfinite, trained
from ..models.reference import ReferenceModel
from ..models.slim import Call, constructor_of

TRAINING: Final = "training"
"""The probe that draws random numbers."""
LOADED: Final = ("img_size", "oblong img_size", "dynamic_img_size", "one channel")
"""The probes whose weights timm loads, so that it may leave some random."""
PREFIX: Final = "return_prefix_tokens"
DRAWN: Final = 4096

Probe = Callable[[ReferenceModel], Outputs]


def outputs_of(
    reference: ReferenceModel, names: Iterable[str], seed: int = SEED
) -> tuple[dict[str, Print], dict[str, Exception]]:
    """The fingerprint of each output of these probes by probe and name, and by probe what the others raised.

    A probe raises where a model does not take its arguments, and where an output is not finite. `seed` is that of what
    timm leaves random.
    """
    prints: dict[str, Print] = {}
    raised: dict[str, Exception] = {}
    for name in names:
        try:
            with torch.random.fork_rng([]), torch.no_grad():
                weights.seed_torch(seed)
                outputs = PROBES[name](reference)
                refuse_nonfinite(outputs)
                prints |= {f"{name}: {output}": print_ for output, print_ in fingerprint(outputs).items()}
        except Exception as error:  # noqa: BLE001  timm raises anything for what a model does not take
            raised[name] = error
    return prints, raised


def drawn() -> tuple[int, ...]:
    """Digests of what dropout and drop path draw from the seed, which are others on another processor or torch."""
    with torch.random.fork_rng([]):
        weights.seed_torch(SEED)
        kept = torch.empty(DRAWN).bernoulli_(0.5)
        return int((kept * torch.arange(DRAWN)).sum()), int(torch.rand(DRAWN).argmax())


def _embedded(module: Any, pixels: Tensor) -> Outputs:
    """Unpooled features, and what a head makes of them; of an encoder the features alone."""
    features = module.forward_features(pixels)
    return {"features": features, **({"logits": module.forward_head(features)} if module.num_classes else {})}


def _headless(reference: ReferenceModel) -> Outputs:
    return reference.headless.runs.first


def _classified(reference: ReferenceModel) -> Outputs:
    """The output, and for a classifier what its last layer reads."""
    module, pixels = reference.classifier.module, reference.image
    outputs = {"output": module(pixels)}
    if reference.entry.classifier:
        outputs["pre_logits"] = module.forward_head(module.forward_features(pixels), pre_logits=True)
    return outputs


def _feature_maps(reference: ReferenceModel) -> Outputs:
    return reference.features.runs.first


def _intermediates(reference: ReferenceModel) -> Outputs:
    """The features, and what `forward_intermediates` gives for all levels."""
    last, levels = reference.headless.module.forward_intermediates(reference.image)
    return {"features": last, **numbered(levels)}


def _normed_intermediates(reference: ReferenceModel) -> Outputs:
    """All levels normed, and the prefix tokens of each if the model has them."""
    forward = reference.headless.module.forward_intermediates
    prefix = {"return_prefix_tokens": True} if PREFIX in inspect.signature(forward).parameters else {}
    levels = forward(reference.image, norm=True, intermediates_only=True, **prefix)
    parts = [level if isinstance(level, tuple) else (level,) for level in levels]
    tokens = [part[1] for part in parts if len(part) > 1 and part[1] is not None]
    return {
        **numbered(part[0] for part in parts),
        **{f"prefix tokens {level}": tensor for level, tensor in enumerate(tokens)},
    }


def _oblong(reference: ReferenceModel) -> Outputs:
    return {"features": reference.headless.module.forward_features(reference.oblong)}


def _two_pictures(reference: ReferenceModel) -> Outputs:
    return {"features": reference.headless.module.forward_features(reference.two)}


def _of_size(wider: int) -> Probe:
    """At twice the size, made for it, with a checkpoint that timm's own loader resamples; `wider` times as wide."""

    def probe(reference: ReferenceModel) -> Outputs:
        pixels = _larger(reference, wider)
        module: Any = _pretrained(reference, {"img_size": tuple(pixels.shape[2:])})
        return _embedded(module, pixels)

    return probe


def _any_size(reference: ReferenceModel) -> Outputs:
    """At larger sizes in turn, with `dynamic_img_size`."""
    module: Any = _pretrained(reference, {"dynamic_img_size": True})
    return {
        "features of twice the size": module.forward_features(_larger(reference, 1)),
        "oblong features": module.forward_features(_larger(reference, 2)),
    }


def _pooled(pool: str) -> Probe:
    def probe(reference: ReferenceModel) -> Outputs:
        module = reference.create(lambda _: {}, num_classes=reference.classes, global_pool=pool).module
        return {"logits": module(reference.image)}

    return probe


def _one_channel(reference: ReferenceModel) -> Outputs:
    """For grey pictures, with a checkpoint that timm's own loader adapts."""
    module: Any = _pretrained(reference, {}, in_chans=1)
    return {"features": module.forward_features(reference.image[:, :1])}


def _training(reference: ReferenceModel) -> Outputs:
    """Two pictures in training mode with dropout and drop path: outputs, statistics, the gradient of the pixels."""
    module = _dropping(reference)
    pixels = reference.two.clone().requires_grad_()
    with torch.enable_grad():
        outputs = trained(module, module, lambda: {"output": module(pixels)})
        output = outputs["output"]
        weighted = output * weights.image(output.shape)[0]
        (gradient,) = torch.autograd.grad(weighted.mean(), pixels)
    running = [tensor.double().flatten() for name, tensor in outputs.items() if name != "output"]
    statistics = {"running statistics": torch.cat(running)} if running else {}
    return {"output": output.detach(), "gradient of the pixels": gradient, **statistics}


def _dropping(reference: ReferenceModel) -> nn.Module:
    try:
        made = reference.create(lambda _: {}, **reference.head_arguments, **DROPS)
    except TypeError:  # drop path is not for all
        made = reference.create(lambda _: {}, **reference.head_arguments, **DROPOUT)
    module: nn.Module = made.module
    return module


def _larger(reference: ReferenceModel, wider: int) -> Tensor:
    channels, height, width = reference.input_size
    return weights.image((channels, 2 * height, 2 * wider * width))


def _pretrained(reference: ReferenceModel, arguments: Mapping[str, Any], **kwargs: Any) -> nn.Module:
    """The slim model with other arguments of its constructor, its weights loaded and adapted by timm.

    Raises TypeError if the constructor has no such argument; some swallow any. `kwargs` go to `timm.create_model`.
    """
    entry = reference.entry

    def changes(call: Call) -> Mapping[str, Any]:
        for name in arguments:
            if not call.takes(name):
                raise TypeError(f"{entry.model} takes no {name}")
        return {**entry.cut(reference.size).args, **arguments}

    source = {"state_dict": dict(reference.state), "num_classes": reference.classes, "custom_load": False}
    with weights.cheap_randomness(), constructor_of(entry.model, changes):
        module: nn.Module = timm.create_model(
            entry.model, pretrained=True, pretrained_cfg_overlay=source, **reference.head_arguments, **kwargs
        )
    return module.eval()


PROBES: Final[Mapping[str, Probe]] = {
    "without classes": _headless,
    "with classes": _classified,
    "features_only": _feature_maps,
    "forward_intermediates": _intermediates,
    "forward_intermediates normed": _normed_intermediates,
    "oblong picture": _oblong,
    "two pictures": _two_pictures,
    "img_size": _of_size(1),
    "oblong img_size": _of_size(2),
    "dynamic_img_size": _any_size,
    "global_pool avg": _pooled("avg"),
    "global_pool max": _pooled("max"),
    "one channel": _one_channel,
    TRAINING: _training,
}
