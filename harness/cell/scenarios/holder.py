"""Models that hold a timm module and are saved and loaded whole: one's own, and transformers' own."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import safe_open
from torch import Tensor
from transformers import PretrainedConfig

from ..models import weights
from ..models.native import Native, Outputs, Runs
from ..models.placement import Placement
from ..models.variants import BIN
from .context import CaseContext
from .protocol import Computed, Loaded, Scenario, Written

WHOLE: Final = "whole"


class OwnConfig(PretrainedConfig):
    """The timm architecture that a model of one's own holds, and the width of its features."""

    def __init__(self, architecture: str = "", width: int = 1, **kwargs: Any) -> None:
        self.architecture = architecture
        self.width = width
        super().__init__(**kwargs)


@dataclass(frozen=True)
class Holder:
    """A model that holds a timm module.

    `build` makes it and `from_pretrained` loads it. `prefixes` lead to the timm module, which `native` is held against;
    the first counts that is there, and any may lead its names in a checkpoint. `run` gives what the model computes:
    outputs named `whole…` are its own, all else is named as native timm's. `absent` are names of the timm module that
    its checkpoint shall lack; `left_out` gives those that the model does without.
    """

    build: Callable[[], Any]
    from_pretrained: Callable[..., Any]
    prefixes: Sequence[str]
    native: Callable[[], Native]
    run: Callable[[Any], Outputs]
    absent: frozenset[str] = frozenset()
    left_out: Callable[[], frozenset[str]] = frozenset


def saved_and_loaded(context: CaseContext, holder: Holder) -> Scenario:
    """Build the model, give its timm module the telling weights and the rest telling ones too, save and load it."""
    native, left_out = context.native(holder.native), holder.left_out()
    saved, folder = built(context, holder, native), context.folder / "saved"
    prefix = leading(saved, holder.prefixes)
    context.save(saved, folder, left_out=frozenset(f"{prefix}.{name}" for name in holder.absent))
    expected = [name for name in native.names if name not in holder.absent | left_out]
    yield Written(folder, relative(names_in(folder), holder.prefixes), expected)
    model, info = context.load(holder.from_pretrained, folder)
    if context.handover.takes is not None and not _is_of_these_names(saved, folder):
        # What lies around the timm module has other names in the pair that saved it, and telling weights go by names.
        loaded = Loaded(model, prefix, native, info, left_out=left_out, absent=holder.absent)
        yield loaded
        yield Computed(lambda: _features(holder.run(model)), lambda: _given(native, holder.run(model)), loaded)
        return
    # The checkpoint is float32 on the CPU; from here on the saved model is what it would be where it was loaded to.
    saved = _as_loaded(saved, model, context.reference.placement, prefix)
    loaded = Loaded(model, prefix, native, info, left_out=left_out, absent=holder.absent, saved=saved)
    yield loaded
    yield Computed(lambda: holder.run(model), lambda: _expected(native, lambda: holder.run(saved)), loaded)


def _is_of_these_names(saved: Any, folder: Path) -> bool:
    """Whether a checkpoint holds every tensor of the model by the name that it has here, but for those of two names."""
    written = {*names_in(folder), *shared_names(saved)}
    return written.issuperset(saved.state_dict())


def _features(outputs: Outputs) -> Outputs:
    return {name: found for name, found in outputs.items() if not name.startswith(WHOLE)}


def _given(native: Native, outputs: Outputs) -> Runs:
    """Of native features those that the model gives."""
    names = _features(outputs)
    return Runs(
        lambda: {name: native.runs.first[name] for name in names},
        lambda: {name: native.runs.second[name] for name in names},
    )


def built(context: CaseContext, holder: Holder, native: Native) -> Any:
    """The model before it is saved: float32 on the CPU, in eval mode."""
    with context.during("save"):
        with weights.uninitialised():
            model = holder.build()
        prefix = leading(model, holder.prefixes)
        weights.fill(model, {f"{prefix}.{name}": tensor for name, tensor in native.state.items()})
        return model.eval()


def _as_loaded(saved: Any, model: Any, placement: Placement, prefix: str) -> Any:
    """The saved model as its lane has it.

    The dtype asked for is that of the weights. Which of transformers' own non-persistent buffers follow it, and which
    stay float32 as rotary frequencies do, is transformers' to say; their values are not.
    """
    cast, persistent = placement.cast(saved), set(saved.state_dict())
    loaded = dict(model.named_buffers())
    for name, buffer in saved.named_buffers():
        if name in loaded and name not in persistent and not name.startswith(f"{prefix}."):
            owner, _, leaf = name.rpartition(".")
            setattr(cast.get_submodule(owner), leaf, buffer.to(placement.device, loaded[name].dtype))
    return cast


def _expected(native: Native, run_saved: Callable[[], Outputs]) -> Runs:
    """Native features, and the whole output of the model that was saved."""

    def merged(features: Outputs) -> Outputs:
        return {name: found if name.startswith(WHOLE) else features[name] for name, found in run_saved().items()}

    return Runs(lambda: merged(native.runs.first), lambda: merged(native.runs.second))


def leading(model: Any, prefixes: Sequence[str]) -> str:
    """The first of the prefixes that leads to a module. Raises StopIteration where none does."""
    there = {name for name, _ in model.named_modules()}
    return next(prefix for prefix in prefixes if prefix in there)


def relative(names: Iterable[str], prefixes: Iterable[str]) -> list[str]:
    """The names below any of the prefixes, without it."""
    return [name.removeprefix(f"{prefix}.") for name in names for prefix in prefixes if name.startswith(f"{prefix}.")]


def shared_names(model: Any) -> frozenset[str]:
    """The names of tensors that have several; of these a checkpoint holds one, transformers says which."""
    by_place: dict[int, list[str]] = {}
    for name, tensor in model.state_dict(keep_vars=True).items():
        by_place.setdefault(tensor.data_ptr(), []).append(name)
    return frozenset(name for names in by_place.values() if len(names) > 1 for name in names)


def names_in(folder: Path) -> list[str]:
    """The names of all tensors in a checkpoint's files."""
    names: list[str] = []
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            names += file.keys()
    if (folder / BIN).is_file():
        state: Mapping[str, Tensor] = torch.load(folder / BIN, weights_only=True, map_location="meta")
        names += state
    return names
