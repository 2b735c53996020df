"""`legacy-layernorm`: BERT checkpoints with `LayerNorm.gamma` and `LayerNorm.beta`, and with today's names.

Each is loaded and saved twice. The route guards against a repair that drops the rename which old checkpoints need.

Compared with native timm: nothing, for no timm model is in it; tensors, outputs and names on disk are compared with
those of the checkpoint.
"""

from collections.abc import Mapping
from typing import Final

import torch
from transformers import BertConfig, BertModel

from ...contract.catalog import BERT, Entry
from ..models import weights
from ..models.installed import Release
from ..models.native import Native
from ..scenarios.context import CaseContext
from ..scenarios.new_process import TOKENS
from ..scenarios.protocol import Computed, Loaded, Scenario, Written
from ..scenarios.written_files import names_in

OLD: Final = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
CONFIG: Final = {
    "vocab_size": 16,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "max_position_embeddings": 16,
}


class LegacyLayerNorm:
    """Load the checkpoint, save it, and load it again."""

    name = "legacy-layernorm"

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """Every release reads such files; the route has a model of its own."""
        return None if entry.model == BERT.model else f"{entry.model} has no LayerNorm of BERT's"

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """With the old names, and with today's names, which must not change."""
        return {"": _there_and_back(context, old=True), "today's names": _there_and_back(context, old=False)}


def tiny_bert() -> BertModel:
    """A small BERT with telling weights, in float32 on the CPU."""
    model = BertModel(BertConfig(**CONFIG)).eval()
    weights.fill(model)
    return model


def _there_and_back(context: CaseContext, *, old: bool) -> Scenario:
    placement = context.reference.placement
    plain = tiny_bert()
    module, tokens = placement.cast(plain), torch.tensor(TOKENS, device=placement.device)
    native = context.native(lambda: Native(module, lambda: dict(module(input_ids=tokens).items()), plain.state_dict()))
    folder = context.folder / f"{old}"
    with context.during("save"):
        folder.mkdir(parents=True)
        plain.config.save_pretrained(folder)
        named = {_old(name) if old else name: tensor.clone() for name, tensor in native.state.items()}
        context.variant.write(named, folder)
        context.mend_folder(folder)
    for again in (f"{old} resaved", f"{old} saved once more"):
        model, info = context.load(BertModel.from_pretrained, folder)
        loaded = Loaded(model, "", native, info)
        yield loaded
        yield Computed(lambda model=model: dict(model(input_ids=tokens).items()), lambda: native.runs, loaded)  # type: ignore[misc]
        folder = context.save(model, context.folder / again, phase="resave")
        names = names_in(folder)
        # Old names may stay or become today's: transformers 5 reverts its renames. Today's must not become old.
        stays_old = old and any(name.endswith(tuple(OLD.values())) for name in names)
        yield Written(folder, names, [_old(name) for name in native.names] if stays_old else native.names)


def _old(name: str) -> str:
    for new, old in OLD.items():
        name = name.replace(new, old)
    return name


ROUTE: Final = LegacyLayerNorm()
