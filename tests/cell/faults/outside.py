"""Faults in the libraries: a public function is replaced while a case runs, and counts how often it changed something.

None of them uses the harness. A release with such a bug would behave so for any caller.
"""

import functools
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import AutoImageProcessor, PreTrainedModel, TimmBackbone

from tests.cell.faults.states import (
    Change,
    dropped,
    exchanged,
    on_first,
    prefixed,
    renamed,
    rewrite,
    shortened,
    square_transposed,
    with_more,
)

CONVNEXT, RELPOS, CAIT, RESNET, RESMLP = (
    *("convnext_atto", "test_vit_relpos", "cait_xxs24_224", "resnet18", "resmlp_12_224"),
)


class Reached:
    """How often a fault has changed something."""

    def __init__(self) -> None:
        self.times = 0


Put = Callable[[pytest.MonkeyPatch, Reached], None]


@dataclass(frozen=True)
class Fault:
    """A fault, a model that it affects, and the route, outcome and part of the reason by which it is caught.

    With `scenario` it is that scenario of the route that sees it. A fault `in_timm` is one of native timm too.
    `escapes` says why it is not seen, and where it should be compared.
    """

    put: Put
    route: str
    outcome: str
    reason: str
    model: str = CONVNEXT
    variant: str = "safetensors"
    scenario: str | None = None
    in_timm: bool = False
    escapes: str = ""


def reading(change: Change) -> Put:
    """`from_pretrained` reads other tensors than the checkpoint holds."""
    return loading_from(lambda folder: rewrite(folder, change))


def loading_from(damage: Callable[[Path], bool]) -> Put:
    """`from_pretrained` reads a damaged copy of the folder; `damage` returns whether it changed anything."""

    def load(original: Callable[..., Any], reached: Reached, folder: Any, *args: Any, **kwargs: Any) -> Any:
        with tempfile.TemporaryDirectory() as copy:
            shutil.copytree(folder, copy, dirs_exist_ok=True)
            reached.times += damage(Path(copy))
            return original(Path(copy), *args, **kwargs)

    return loading(load)


def after(change: Callable[[Any, dict[str, Any]], bool]) -> Put:
    """`from_pretrained` changes the model or its report; `change` returns whether it did."""

    def load(original: Callable[..., Any], reached: Reached, *args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        model, info = result if isinstance(result, tuple) else (result, {})
        with torch.no_grad():
            reached.times += change(model, info)
        return result

    return loading(load)


def loading(load: Callable[..., Any]) -> Put:
    """`load` replaces `from_pretrained` of every model, and is given the original first."""

    def put(patch: pytest.MonkeyPatch, reached: Reached) -> None:
        original = PreTrainedModel.from_pretrained.__func__

        @functools.wraps(original)
        def from_pretrained(cls: Any, *args: Any, **kwargs: Any) -> Any:
            return load(functools.partial(original, cls), reached, *args, **kwargs)

        patch.setattr(PreTrainedModel, "from_pretrained", classmethod(from_pretrained))

    return put


def saving(change: Change) -> Put:
    """`save_pretrained` writes other tensors than the model has."""

    def put(patch: pytest.MonkeyPatch, reached: Reached) -> None:
        original = PreTrainedModel.save_pretrained

        @functools.wraps(original)
        def save_pretrained(self: Any, folder: Any, *args: Any, **kwargs: Any) -> None:
            original(self, folder, *args, **kwargs)
            reached.times += rewrite(Path(folder), change)

        patch.setattr(PreTrainedModel, "save_pretrained", save_pretrained)

    return put


def processing(change: Callable[[Any], bool]) -> Put:
    """`AutoImageProcessor.from_pretrained` returns a changed processor."""

    def put(patch: pytest.MonkeyPatch, reached: Reached) -> None:
        original = AutoImageProcessor.from_pretrained

        def from_pretrained(*args: Any, **kwargs: Any) -> Any:
            processor = original(*args, **kwargs)
            reached.times += change(processor)
            return processor

        patch.setattr(AutoImageProcessor, "from_pretrained", from_pretrained)

    return put


# What is read.


def more(tensor: Tensor) -> Tensor:
    return tensor * 1.001


def half(tensor: Tensor) -> Tensor:
    return tensor.half().float()


def brief(tensor: Tensor) -> Tensor:
    return tensor.bfloat16().float()


def without_a_shard(folder: Path) -> bool:
    shards = sorted(folder.glob("*-of-*.safetensors"))
    if shards:
        shards[-1].unlink()
    return bool(shards)


def cut_short(folder: Path) -> bool:
    files = sorted(folder.glob("*.safetensors"))
    for file in files:
        file.write_bytes(file.read_bytes()[:-64])
    return bool(files)


# What is done to a model that was loaded.


def _first(model: Any, part: str) -> Any:
    return next((p for name, p in model.named_parameters() if part in name), None)


def filled(value: float) -> Callable[[Any, dict[str, Any]], bool]:
    def change(model: Any, _info: dict[str, Any]) -> bool:
        gamma = _first(model, "gamma")
        if gamma is not None:
            gamma.fill_(value)
        return gamma is not None

    return change


def scaled(model: Any, _info: dict[str, Any]) -> bool:
    next(p for p in model.parameters() if p.numel() > 1).mul_(1.001)
    return True


def doubled(model: Any, _info: dict[str, Any]) -> bool:
    first = next(p for p in model.parameters() if p.numel() > 1)
    first.data = first.data.double()
    return True


def non_persistent(model: Any) -> dict[str, Tensor]:
    kept = set(model.state_dict())
    return {name: tensor for name, tensor in model.named_buffers() if name not in kept}


def buffers(fill: Callable[[Tensor], Tensor]) -> Callable[[Any, dict[str, Any]], bool]:
    """The non-persistent ones."""

    def change(model: Any, _info: dict[str, Any]) -> bool:
        lost = non_persistent(model)
        for tensor in lost.values():
            tensor.copy_(fill(tensor))
        return bool(lost)

    return change


def large(tensor: Tensor) -> Tensor:
    return torch.full_like(tensor, 2**62)


def without_scales(model: Any, _info: dict[str, Any]) -> bool:
    parts = [part for part in model.modules() if "gamma" in part._parameters]
    for part in parts:
        part.register_parameter("gamma", None)
    return bool(parts)


def unreported(model: Any, info: dict[str, Any]) -> bool:
    """An uninitialised gamma that the report does not list."""
    for names in info.values():
        if hasattr(names, "clear"):
            names.clear()
    return filled(torch.nan)(model, info)


def hooked(hook: Callable[..., Any], kind: Any = (nn.Conv2d, nn.Linear)) -> Callable[..., bool]:
    """A hook on the first module of that kind, which mixes channels, so that no norm undoes the change."""

    def change(model: Any, _info: dict[str, Any]) -> bool:
        part = next((part for part in model.modules() if isinstance(part, kind)), None)
        if part is not None:
            part.register_forward_hook(hook)
        return part is not None

    return change


def noisy(_module: Any, _args: Any, out: Tensor) -> Tensor:
    return out + 0.01 * torch.rand_like(out)


def dropping(_module: Any, _args: Any, out: Tensor) -> Tensor:
    return nn.functional.dropout(out, 0.5)


def with_nan(_module: Any, _args: Any, out: Tensor) -> Tensor:
    out = out.clone()
    out[:, 0] = torch.nan
    return out


def halved(_module: Any, _args: Any, out: Tensor) -> Tensor:
    return out.half().float()


def swallowed(_module: Any, _args: Any, out: Tensor) -> Tensor:
    """As after `except Exception: pass`."""
    return torch.zeros_like(out)


def stale(model: Any, _info: dict[str, Any]) -> bool:
    """Each call returns the result of the call before, from memory that is used again."""
    kept: dict[tuple[int, ...], Tensor] = {}

    def hook(_module: Any, _args: Any, out: Tensor) -> Tensor:
        memory = kept.setdefault(tuple(out.shape), torch.zeros_like(out))
        before = memory.clone()
        memory.copy_(out)
        return before

    return hooked(hook)(model, {})


def second_call(model: Any, _info: dict[str, Any]) -> bool:
    calls = []

    def hook(_module: Any, _args: Any, out: Tensor) -> Tensor:
        calls.append(1)
        return out if len(calls) == 1 else out.roll(1, dims=1)

    return hooked(hook)(model, {})


def training(model: Any, _info: dict[str, Any]) -> bool:
    """Batch norms that stay in training mode after `eval`."""
    norms = [part for part in model.modules() if isinstance(part, nn.BatchNorm2d)]
    for norm in norms:
        norm.train = lambda mode=True, norm=norm: norm  # noqa: ARG005
        norm.training = True
    return bool(norms)


def eps(model: Any, _info: dict[str, Any]) -> bool:
    norms = [part for part in model.modules() if isinstance(getattr(part, "eps", None), float)]
    for norm in norms:
        norm.eps = 0.1
    return bool(norms)


def levels(model: Any, _info: dict[str, Any]) -> bool:
    """Feature maps off by one level, cyclically."""

    def hook(_module: Any, _args: Any, out: Any) -> Any:
        out["feature_maps"] = (*out["feature_maps"][1:], out["feature_maps"][0])
        return out

    return hooked(hook, TimmBackbone)(model, {})


def double_by_default(_model: Any, _info: dict[str, Any]) -> bool:
    torch.set_default_dtype(torch.float64)
    return True


def deterministic(_model: Any, _info: dict[str, Any]) -> bool:
    torch.use_deterministic_algorithms(mode=True)
    return True


def gelu(_model: Any, _info: dict[str, Any]) -> bool:
    nn.functional.gelu = functools.partial(nn.functional.gelu, approximate="tanh")
    return True


# What a processor does.


def _transforms(processor: Any, kind: str) -> list[Any]:
    return [transform for transform in processor.val_transforms.transforms if type(transform).__name__ == kind]


def another_mean(processor: Any) -> bool:
    transforms = _transforms(processor, "Normalize")
    for normalize in transforms:
        normalize.mean = torch.full_like(torch.as_tensor(normalize.mean), 0.5)
    return bool(transforms)


def another_interpolation(processor: Any) -> bool:
    from torchvision.transforms import InterpolationMode  # noqa: PLC0415  a part of the pair

    transforms = [step for step in processor.val_transforms.transforms if hasattr(step, "interpolation")]
    for resize in transforms:
        resize.interpolation = InterpolationMode.NEAREST
    return bool(transforms)


LEAK, FILE = "left changed in phase ", "the file that transformers wrote"
FAULTS: Mapping[str, Fault] = {
    # In what is read.
    "gamma read as weight": Fault(reading(renamed("gamma", "weight")), "tower", "keys", "5 of gamma to weight"),
    "beta read as bias": Fault(reading(renamed("beta", "bias")), "tower", "keys", "of beta to bias", RESMLP),
    "a key dropped": Fault(reading(dropped("gamma")), "wrapper", "keys", "1 missing (stages.0.blocks.0.gamma)"),
    "a key too many": Fault(reading(with_more), "wrapper", "keys", "1 unexpected (blocks.77.ls1.gamma)"),
    "a prefix added": Fault(reading(prefixed("module")), "wrapper", "keys", "prefixed with module"),
    "a part of a name lost": Fault(reading(renamed("blocks.", "")), "tower", "keys", "45 without blocks"),
    "LayerScales swapped": Fault(reading(exchanged("gamma_")), "wrapper", "tensors", "holds what blocks.0.", CAIT),
    "weights swapped": Fault(reading(exchanged("mlp.fc1.weight")), "tower", "tensors", "holds what ", CAIT),
    "a weight changed": Fault(reading(on_first("conv_dw.weight", more)), "wrapper", "tensors", "differs by up to"),
    "a weight transposed": Fault(reading(square_transposed), "wrapper", "tensors", "is transposed", CAIT),
    "a cast through float16": Fault(reading(on_first("gamma", half)), "tower", "tensors", "rounded to float16"),
    "a cast through bfloat16": Fault(reading(on_first("gamma", brief)), "backbone", "tensors", "rounded to bfloat16"),
    "a tensor cut": Fault(reading(shortened("gamma")), "wrapper", "error", "RuntimeError in phase load"),
    "a shard missing": Fault(loading_from(without_a_shard), "wrapper", "error", "in phase load", variant="sharded"),
    "a file cut short": Fault(loading_from(cut_short), "wrapper", "error", "in phase load"),
    # In what comes back.
    "gamma at its constant": Fault(after(filled(1e-6)), "wrapper", "tensors", "as timm's constructor leaves it"),
    "gamma at another constant": Fault(after(filled(0.5)), "tower", "tensors", "is 0.5 throughout"),
    "gamma unset": Fault(after(filled(torch.nan)), "tower", "tensors", "as uninitialised memory is here"),
    "a loss that the report hides": Fault(after(unreported), "wrapper", "tensors", "as uninitialised memory is here"),
    "a weight x 1.001": Fault(after(scaled), "tower", "tensors", "differs by up to"),
    "a wrong dtype": Fault(after(doubled), "wrapper", "tensors", "is float64, not float32"),
    "buffers zeroed": Fault(after(buffers(torch.zeros_like)), "wrapper", "tensors", "is 0 throughout", RELPOS),
    "buffers unset": Fault(after(buffers(large)), "wrapper", "tensors", "non-persistent buffer", RELPOS),
    "built without LayerScale": Fault(after(without_scales), "wrapper", "keys", "5 missing (stages.0.blocks.0.gamma"),
    # In what it computes.
    "dropout left on": Fault(after(hooked(dropping)), "wrapper", "outputs", "state is equal"),
    "batch norms left in training": Fault(after(training), "tower", "flags", "bn1 is in training mode", RESNET),
    "randomness in forward": Fault(after(hooked(noisy)), "tower", "outputs", "state is equal"),
    "NaN in one channel": Fault(after(hooked(with_nan)), "wrapper", "nonfinite", "is not finite"),
    "computed through float16": Fault(after(hooked(halved)), "wrapper", "outputs", "first in stem.0"),
    "an exception swallowed": Fault(after(hooked(swallowed)), "wrapper", "outputs", "first in stem.0"),
    "stale memory": Fault(after(stale), "wrapper", "outputs", "state is equal"),
    "wrong from the second call on": Fault(after(second_call), "wrapper", "outputs", "second call"),
    "another epsilon": Fault(after(eps), "wrapper", "flags", "eps is 0.1, not 1e-06"),
    "levels off by one": Fault(after(levels), "backbone", "outputs", "feature_maps."),
    # In what it leaves behind.
    "a default dtype left changed": Fault(after(double_by_default), "wrapper", "leaked", f"{LEAK}load: default dtype"),
    "determinism left on": Fault(after(deterministic), "wrapper", "leaked", f"{LEAK}load: deterministic algorithms"),
    "a function of torch replaced": Fault(after(gelu), "wrapper", "outputs", "state is equal"),
    # In a processor.
    "another mean": Fault(processing(another_mean), "processor", "outputs", "pixel_values (PIL) is off by"),
    "another interpolation": Fault(processing(another_interpolation), "pipeline", "outputs", "scores is off by"),
    # In what is written.
    "gamma written as weight": Fault(saving(renamed("gamma", "weight")), "tower", "keys", f"{FILE}: keys renamed"),
    "a prefix written": Fault(saving(prefixed("model")), "tower", "keys", f"{FILE}: keys"),
    "a tensor not written": Fault(saving(dropped("gamma")), "backbone", "keys", f"{FILE}: keys 1 missing"),
}
