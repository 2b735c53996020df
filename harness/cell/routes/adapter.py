"""`adapter`: a LoRA of PEFT's on the linear layers of an image classifier, whose norms are trained whole beside it.

The adapter is saved alone and loaded onto the timm checkpoint again; and it is merged, and the model saved. Needs peft.

Compared with native timm: logits with the updates added to its weights; the weights below the adapter; the folder.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from transformers import AutoModelForImageClassification

from ...contract.catalog import Entry
from ..guards import generators
from ..models import weights
from ..models.installed import Release, missing_companion
from ..models.native import Native
from ..scenarios.context import CaseContext
from ..scenarios.protocol import Computed, Loaded, Scenario
from . import after_training
from .classifier import no_classifier
from .roundtrip import loaded_by_both, run_whole
from .wrapped import PREFIX

RANK: Final = 2
ALPHA: Final = 4
SCALES: Final = "LayerScale"
NORMS: Final = ("norm", "bn")
"""What the names of norms hold."""
BASE: Final = "base_model.model."
OWN: Final = "modules_to_save.default."
FIRST: Final = "lora_A.default.weight"
"""What PEFT adds to the names of the model, of modules that are trained whole, and of the first matrix of a LoRA."""


class AdapterRoute:
    """A LoRA and whole norms by PEFT: what is saved of them, loaded, and merged."""

    name = "adapter"

    def unsupported(self, release: Release, entry: Entry) -> str | None:
        """Without peft, without TimmWrapper, or without a head there is nothing to adapt."""
        return missing_companion(self.name) or no_classifier(release, entry)

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """The adapter's own files, loaded onto the checkpoint; and merged into it."""
        return {"loaded": _loaded(context), "merged": _merged(context)}


def _loaded(context: CaseContext) -> Scenario:
    adapted, folder = _adapted(context), context.folder / "adapter"
    native = _with_updates(context, adapted)
    context.write(folder, lambda: adapted.save_pretrained(str(folder)))
    model = _with_adapter(context, folder)
    yield Computed(lambda: run_whole(context.reference, model), lambda: native.runs)
    below = context.look(model.unload().requires_grad_(requires_grad=True).eval())
    yield Loaded(below, PREFIX, after_training.holding(context.reference, _below(adapted)), runs=False)


def _merged(context: CaseContext) -> Scenario:
    adapted, folder = _adapted(context), context.folder / "merged"
    native = _with_updates(context, adapted)
    with context.during("load"):
        model = adapted.merge_and_unload().requires_grad_(requires_grad=True)
    yield Computed(lambda: run_whole(context.reference, model), lambda: native.runs)
    context.write(folder, lambda: model.save_pretrained(str(folder)), phase="resave")
    yield from loaded_by_both(context, folder, after_training.native(context, after_training.state_of(model)))


def _with_updates(context: CaseContext, adapted: nn.Module) -> Native:
    """The scenario's native model: timm with the adapter's updates added to its weights."""
    return context.native(lambda: after_training.holding(context.reference, _updated(adapted)))


def _adapted(context: CaseContext) -> Any:
    """What AutoModelForImageClassification loads, with an adapter of telling values."""
    from peft import LoraConfig, get_peft_model  # noqa: PLC0415  a companion, which the plain environment lacks

    model, _ = context.load(AutoModelForImageClassification.from_pretrained, context.checkpoint())
    modules = dict(model.get_submodule(PREFIX).named_modules())
    linear = {name for name, module in modules.items() if isinstance(module, nn.Linear)}
    whole = {name.rpartition(".")[2] for name, module in modules.items() if _is_trained_whole(name, module)}
    with context.during("save"), generators.kept():
        targets = [f"{PREFIX}.{name}" for name in sorted(linear)]
        config = LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=targets, modules_to_save=sorted(whole))
        adapted = get_peft_model(model, config).eval()
        _fill(adapted)
    return adapted


def _is_trained_whole(name: str, module: nn.Module) -> bool:
    """Whether it is a norm or a LayerScale with parameters of its own."""
    leaf = name.rpartition(".")[2]
    is_one = type(module).__name__.startswith(SCALES) or any(part in leaf for part in NORMS)
    return is_one and any(True for _ in module.parameters(recurse=False))


def _fill(adapted: nn.Module) -> None:
    """Give what the adapter adds telling values."""
    state = adapted.state_dict(keep_vars=True)
    with torch.no_grad():
        for name, tensor in state.items():
            if "lora_" in name or OWN in name:
                tensor.copy_(weights.value(name, tensor, state))


def _with_adapter(context: CaseContext, folder: Path) -> Any:
    """The checkpoint as transformers loads it, with the saved adapter."""
    from peft import PeftModel  # noqa: PLC0415  as above

    model, _ = context.load(AutoModelForImageClassification.from_pretrained, context.checkpoint())
    with context.during("load"):
        return PeftModel.from_pretrained(model, str(folder)).eval()


def _below(adapted: nn.Module) -> dict[str, Tensor]:
    """The weights of timm's names that the adapter leaves as they are, and those of the modules trained whole."""
    below = {}
    for name, tensor in adapted.state_dict().items():
        if "lora_" not in name and "original_module." not in name:
            below[_timms(name).replace(OWN, "")] = tensor.detach().cpu().clone()
    return below


def _updated(adapted: nn.Module) -> dict[str, Tensor]:
    """The weights below the adapter with its updates added."""
    updated, state = _below(adapted), adapted.state_dict()
    for name in [name for name in state if name.endswith(FIRST)]:
        update = state[name.replace("lora_A", "lora_B")] @ state[name]
        timms = _timms(name.replace(FIRST, "weight"))
        updated[timms] = updated[timms] + (ALPHA / RANK) * update.cpu()
    return updated


def _timms(name: str) -> str:
    """The name that timm gives a tensor that PEFT wrapped."""
    return name.removeprefix(BASE).removeprefix(f"{PREFIX}.").replace(".base_layer.", ".")


ROUTE: Final = AdapterRoute()
