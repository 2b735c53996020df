"""`tower`: a multimodal model of one's own that holds a bare timm model beside a text model, as OpenVLA does."""

from typing import Any, Final

import timm
import torch
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaModel, PreTrainedModel

from harness.catalog import Entry
from harness.cell.routes.own import WHOLE, Own, OwnConfig
from harness.cell.routes.road import Release
from harness.cell.subject import Native, Subject

WIDTH: Final = 32
TOKENS: Final = 8


class TowerConfig(OwnConfig):
    """Names the timm architecture of the vision tower."""

    model_type = "timm_tower"


class Tower(PreTrainedModel):
    """A vision-language model: timm tower, projector, small text tower; transformers' own `_init_weights`."""

    config_class = TowerConfig
    main_input_name = "pixel_values"

    def __init__(self, config: TowerConfig) -> None:
        super().__init__(config)
        self.vision_tower = timm.create_model(config.architecture, pretrained=False, num_classes=0)
        self.projector = nn.Linear(config.width, WIDTH)
        self.text_tower = LlamaModel(_text_config())
        self.post_init()

    def forward(self, pixel_values: Tensor, input_ids: Tensor) -> dict[str, Tensor]:
        """Vision features as timm gives them, and the text tower's states of shape (batch, 1 + tokens, width)."""
        features = self.vision_tower.forward_features(pixel_values)
        image = self.projector(_pooled(features, self.projector.in_features))
        text = self.text_tower.embed_tokens(input_ids)
        whole = self.text_tower(inputs_embeds=torch.cat([image[:, None], text], dim=1)).last_hidden_state
        return {"last_hidden_state": features, WHOLE: whole}


class TowerRoute(Own):
    """Save the model, load it with from_pretrained: vision features, and the whole model's output."""

    name = "tower"
    prefix = "vision_tower"
    model_cls = Tower

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """A model of one's own can hold any timm model."""
        return None

    def native(self, subject: Subject) -> Native:
        """The model without a head."""
        return subject.headless

    def config(self, subject: Subject) -> OwnConfig:
        """The slim or full architecture by its name."""
        return TowerConfig(architecture=subject.architecture, width=subject.headless.module.num_features)

    def run(self, subject: Subject, model: Any) -> dict[str, Tensor]:
        """A picture and a few tokens."""
        tokens = torch.arange(TOKENS, device=subject.place.device)[None]
        outputs: dict[str, Tensor] = model(pixel_values=subject.image, input_ids=tokens)
        return outputs


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
