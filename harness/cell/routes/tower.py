"""`tower`: a user's own multimodal model that holds a bare timm model beside a text model, as OpenVLA does.

It is saved and loaded whole.

Compared with native timm: vision features; the whole output is compared with that of the model that was saved; timm
itself with what it computed before, and with transformers' own class of the same architecture.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

import timm
import torch
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaModel, PreTrainedModel

from ...contract.catalog import Entry
from ..models.installed import Release
from ..models.native import Native, Outputs, Runs, trained
from ..models.reference import ReferenceModel
from ..models.variants import DeviceMap
from ..scenarios.context import CaseContext
from ..scenarios.holder import WHOLE, Holder, HolderConfig, build_filled, save_and_load
from ..scenarios.protocol import Back, Computed, Loaded, Scenario
from . import as_before, as_transformers, reports, training

PREFIX: Final = "vision_tower"
FEATURES: Final = "last_hidden_state"
WIDTH: Final = 32
TOKENS: Final = 8
NO_OPTIONS: Final[Mapping[str, Any]] = MappingProxyType({})


class TowerConfig(HolderConfig):
    """Names the timm architecture of the vision tower, and options of timm's constructor."""

    model_type = "timm_tower"

    def __init__(self, options: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        self.options = dict(options or {})
        super().__init__(**kwargs)


class Tower(PreTrainedModel):
    """A vision-language model: timm tower, projector, small text tower; transformers' own `_init_weights`."""

    config_class = TowerConfig
    main_input_name = "pixel_values"

    def __init__(self, config: TowerConfig) -> None:
        super().__init__(config)
        self.vision_tower = self.vision(config)
        self.projector = nn.Linear(config.width, WIDTH)
        self.text_tower = LlamaModel(_text_config())
        self.post_init()

    def vision(self, config: TowerConfig) -> nn.Module:
        """The vision tower: a bare timm model."""
        module: nn.Module = timm.create_model(config.architecture, pretrained=False, num_classes=0, **config.options)
        return module

    def features(self, pixel_values: Tensor) -> Tensor:
        """Unpooled vision features."""
        features: Tensor = self.vision_tower.forward_features(pixel_values)
        return features

    def forward(self, pixel_values: Tensor, input_ids: Tensor) -> dict[str, Tensor]:
        """Vision features as timm gives them, and the text tower's states of shape (batch, 1 + tokens, width)."""
        features = self.features(pixel_values)
        image = self.projector(_pooled(features, self.projector.in_features))
        text = self.text_tower.embed_tokens(input_ids)
        whole = self.text_tower(inputs_embeds=torch.cat([image[:, None], text], dim=1)).last_hidden_state
        return {FEATURES: features, WHOLE: whole}


class TowerRoute:
    """A bare timm model in a custom model: vision features, and the whole model's output."""

    name = "tower"

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """None: a custom model can hold any timm model."""
        return None

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """Saved and loaded whole; in the default variant also a report, a step of training, and timm against itself.

        By a map of devices also with the tower on the disk.
        """
        scenarios = {"": save_and_load(context, tower(context.reference))}
        if context.variant.name == DeviceMap.name:
            scenarios["disk"] = _on_disk(context)
        if context.tries_all:
            scenarios[training.NAME] = _trained(context)
        if context.tries_all and context.handover.takes is None:  # what is no checkpoint of another pair's
            report = reports.of_holder(context, tower(context.reference))
            scenarios |= {"report": report, **as_before.of_timm(context)}
        if context.is_default and context.handover.takes is None:
            scenarios |= as_transformers.of_timm(context)
        return scenarios


def tower(reference: ReferenceModel) -> Holder:
    """The holder of a custom model around this bare timm model."""
    return holder(reference, Tower, PREFIX)


def _on_disk(context: CaseContext) -> Scenario:
    """Loaded with its vision tower on the disk, from where accelerate reads it as the model runs."""
    reference = context.reference
    made, native = tower(reference), context.native(lambda: reference.headless)
    saved, folder = build_filled(context, made, native), context.folder / "saved"
    context.save(saved, folder)
    places = {name: reference.placement.device for name, _ in saved.named_children()} | {PREFIX: "disk"}
    model, _ = context.load(made.from_pretrained, folder, device_map=places, offload_folder=context.folder / "disk")
    parameters = frozenset(name for name, _ in native.module.named_parameters())
    loaded = Loaded(model, PREFIX, native, left_out=parameters, scales=False)
    yield loaded
    runs = Runs(lambda: _features_of(native.runs.first), lambda: _features_of(native.runs.second))
    yield Computed(lambda: _features_of(made.run(model)), lambda: runs, back=Back.NEVER)


def _trained(context: CaseContext) -> Scenario:
    """Saved and loaded with dropout and drop path, and trained on two pictures."""
    reference = context.reference
    rates, two = training.drops(reference), reference.two

    def features(model: Any) -> Outputs:
        return trained(model, model.vision_tower, lambda: {FEATURES: model.features(two)})

    def native() -> Native:
        return training.in_training(
            reference,
            lambda module, pixels: {FEATURES: module.forward_features(pixels)},
            num_classes=0,
            **rates,
        )

    made = replace(holder(reference, Tower, PREFIX, rates), native=native, run=features)
    yield from save_and_load(context, made)


def holder(
    reference: ReferenceModel, kind: type[Tower], prefix: str, options: Mapping[str, Any] = NO_OPTIONS, **config: Any
) -> Holder:
    """The holder of a tower of this class, in which `prefix` leads to the timm module; timm gets `options`.

    `config` are further arguments of its configuration.
    """

    def build() -> Tower:
        width = reference.headless.module.num_features
        named = {"architecture": reference.architecture, "width": width, "options": dict(options)}
        return kind(kind.config_class(**named, **config))

    return Holder(
        build, kind.from_pretrained, (prefix,), lambda: reference.headless, lambda model: _run(reference, model)
    )


def _run(reference: ReferenceModel, model: Any) -> Outputs:
    """Run the model on a picture and a few tokens."""
    tokens = torch.arange(TOKENS, device=reference.placement.device)[None]
    outputs: Outputs = model(pixel_values=reference.image, input_ids=tokens)
    return outputs


def _features_of(outputs: Outputs) -> Outputs:
    return {FEATURES: outputs[FEATURES]}


def _pooled(features: Tensor, width: int) -> Tensor:
    """Features of shape (batch, tokens, width), (batch, width, h, w) or (batch, h, w, width) as (batch, width)."""
    if features.shape[-1] != width:
        features = features.movedim(1, -1)
    return features.flatten(1, -2).mean(dim=1)


def _text_config() -> LlamaConfig:
    return LlamaConfig(
        vocab_size=64,
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=64,
    )


ROUTE: Final = TowerRoute()
