"""Models that hold a timm module and are saved and loaded whole: custom ones, and transformers' own."""

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from transformers import PretrainedConfig

from ..models import weights
from ..models.native import Native, Outputs, Runs
from ..models.placement import Placement
from .context import CaseContext
from .protocol import Back, Computed, Loaded, Scenario, Written
from .written_files import names_in

WHOLE: Final = "whole"


class HolderConfig(PretrainedConfig):
    """The timm architecture that a custom model holds, and the width of its features."""

    def __init__(self, architecture: str = "", width: int = 1, **kwargs: Any) -> None:
        self.architecture = architecture
        self.width = width
        super().__init__(**kwargs)


@dataclass(frozen=True)
class Holder:
    """A model that holds a timm module.

    `build` makes it and `from_pretrained` loads it. `prefixes` may lead to the timm module, which is compared with
    `native`: the first that names a module counts, and each may lead names in a checkpoint. `run` gives the outputs:
    names that start with `whole` belong to the model, all others are named as native timm's. `absent` are names of the
    timm module that its checkpoint must lack; `left_out` gives names that the model omits. `back` is as for
    Computed, and `NEVER` where the native outputs are not all of one module; `alters` and `scales` as for Loaded.
    """

    build: Callable[[], Any]
    from_pretrained: Callable[..., Any]
    prefixes: Sequence[str]
    native: Callable[[], Native]
    run: Callable[[Any], Outputs]
    absent: frozenset[str] = frozenset()
    left_out: Callable[[], frozenset[str]] = frozenset
    back: Back = Back.FIRST
    alters: bool = False
    scales: bool = True


def save_and_load(context: CaseContext, holder: Holder) -> Scenario:
    """Build the model, fill it with telling weights, save it, load it, and compare."""
    native, left_out = context.native(holder.native), holder.left_out()
    saved, folder = build_filled(context, holder, native), context.folder / "saved"
    prefix = module_prefix(saved, holder.prefixes)
    context.save(saved, folder, left_out=frozenset(f"{prefix}.{name}" for name in holder.absent))
    expected = [name for name in native.names if name not in holder.absent | left_out]
    names = without_prefix(names_in(folder), holder.prefixes)
    yield Written(folder, names, expected, state=saved.state_dict())
    model, info = context.load(holder.from_pretrained, folder)
    loaded = Loaded(model, prefix, native, info, left_out, holder.absent, alters=holder.alters, scales=holder.scales)
    if context.handover.takes is not None and not _has_names_of(saved, folder):
        # The saving pair names the tensors around the timm module otherwise, and telling weights are seeded by name.
        yield loaded
        run = functools.partial(holder.run, model)
        yield Computed(lambda: _features(run()), lambda: _features_of(native, run()), loaded, holder.back)
        return
    # The checkpoint is float32 on the CPU; for comparing, the saved model gets the placement of the loaded one.
    saved = context.mend_calls(_as_loaded(saved, model, context.reference.placement, prefix))
    loaded = replace(loaded, saved=saved)
    yield loaded
    run_saved = functools.partial(holder.run, saved)
    yield Computed(lambda: holder.run(model), lambda: _expected(native, run_saved), loaded, holder.back)


def _has_names_of(saved: Any, folder: Path) -> bool:
    """Whether a checkpoint names every tensor of `saved` as the model does; shared tensors are not looked at."""
    written = {*names_in(folder), *shared_names(saved)}
    return written.issuperset(saved.state_dict())


def _features(outputs: Outputs) -> Outputs:
    return {name: tensor for name, tensor in outputs.items() if not name.startswith(WHOLE)}


def _features_of(native: Native, outputs: Outputs) -> Runs:
    """The native features whose names are among `outputs`."""
    names = _features(outputs)
    return Runs(
        lambda: {name: native.runs.first[name] for name in names},
        lambda: {name: native.runs.second[name] for name in names},
    )


def build_filled(context: CaseContext, holder: Holder, native: Native) -> Any:
    """Build the model and fill it with telling weights: float32 on the CPU, in eval mode."""
    with context.during("save"):
        with weights.uninitialised():
            model = holder.build()
        prefix = module_prefix(model, holder.prefixes)
        weights.fill(model, {f"{prefix}.{name}": tensor for name, tensor in native.state.items()})
        context.variant.round(model)
        return model.eval()


def _as_loaded(saved: Any, model: Any, placement: Placement, prefix: str) -> Any:
    """The saved model in the placement of its lane.

    The lane's dtype is that of the weights. transformers decides which of its own non-persistent buffers follow it, and
    which stay float32, as rotary frequencies do: these take the loaded model's dtype, and the saved model's values.
    """
    cast, persistent = placement.cast(saved), set(saved.state_dict())
    loaded = dict(model.named_buffers())
    for name, buffer in saved.named_buffers():
        if name in loaded and name not in persistent and not name.startswith(f"{prefix}."):
            owner, _, leaf = name.rpartition(".")
            setattr(cast.get_submodule(owner), leaf, buffer.to(placement.device, loaded[name].dtype))
    return cast


def _expected(native: Native, run_saved: Callable[[], Outputs]) -> Runs:
    """Native features, and the whole outputs of the saved model."""

    def merged(features: Outputs) -> Outputs:
        return {name: tensor if name.startswith(WHOLE) else features[name] for name, tensor in run_saved().items()}

    return Runs(lambda: merged(native.runs.first), lambda: merged(native.runs.second))


def module_prefix(model: Any, prefixes: Sequence[str]) -> str:
    """The first of the prefixes that names a module. Raises StopIteration if none does."""
    modules = {name for name, _ in model.named_modules()}
    return next(prefix for prefix in prefixes if prefix in modules)


def without_prefix(names: Iterable[str], prefixes: Iterable[str]) -> list[str]:
    """The names that start with one of the prefixes, without the first that fits."""
    starts = [f"{prefix}." for prefix in prefixes]
    fitting = ((name, next((start for start in starts if name.startswith(start)), None)) for name in names)
    return [name.removeprefix(start) for name, start in fitting if start is not None]


def shared_names(model: Any) -> frozenset[str]:
    """The names of tensors with more than one name; transformers chooses the one that a checkpoint holds."""
    by_address: dict[int, list[str]] = {}
    for name, tensor in model.state_dict(keep_vars=True).items():
        by_address.setdefault(tensor.data_ptr(), []).append(name)
    return frozenset(name for names in by_address.values() if len(names) > 1 for name in names)
