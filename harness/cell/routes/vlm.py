"""`vlm`: Gemma3n, PerceptionLM and FastVLM of transformers, which build on timm, with a tiny text side.

They are saved and loaded whole.

Compared with native timm: vision features; projected features and logits are compared with those of the model that was
saved.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
import transformers
from torch import Tensor

from ...contract.catalog import Entry
from ..models.installed import Release
from ..models.native import Native, Outputs
from ..scenarios.context import CaseContext
from ..scenarios.holder import WHOLE, Holder, save_and_load
from ..scenarios.protocol import Back, Scenario

PREFIX: Final = "model.vision_tower.timm_model"
IMAGE: Final = 33  # the token of a part of the picture
TEXT: Final = (2, 5, 7)
MAP_DIMS: Final = 4
TINY: Final[Mapping[str, Any]] = {
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "vocab_size": 64,
    "max_position_embeddings": 2048,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}


@dataclass(frozen=True)
class Features:
    """Unpooled features of a vision tower: width, number of image tokens, and of prefix tokens before them."""

    width: int
    tokens: int
    prefix_tokens: int


@dataclass(frozen=True)
class Vlm:
    """A model of transformers: its class, its timm family, and how it is built. With `tiles` images have a tile axis.

    `timm_args` are the arguments that its default configuration passes to timm.
    """

    cls: str
    family: str
    build: Callable[[str, Features], Any]
    timm_args: Mapping[str, Any]
    tiles: bool = False


class VlmRoute:
    """Save the model and load it: vision features, projected features, and the whole model's logits."""

    name = "vlm"

    def unsupported(self, release: Release, entry: Entry) -> str | None:
        """Families on which no model of transformers, or none of this release, builds lack the route."""
        vlm = _builds_on(entry)
        if vlm is None:
            return f"no model of transformers builds on timm's {entry.family}"
        if not hasattr(transformers, vlm.cls):
            return f"transformers {release.transformers} has no {vlm.cls}"
        return None

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """A single scenario: the model that builds on this family."""
        vlm = _builds_on(context.reference.entry)
        return {vlm.cls.removesuffix("ForConditionalGeneration"): _whole(context, vlm)} if vlm else {}


def _builds_on(entry: Entry) -> Vlm | None:
    return next((vlm for vlm in VLMS if vlm.family == entry.family), None)


def _whole(context: CaseContext, vlm: Vlm) -> Scenario:
    reference = context.reference
    pixels = reference.image[:, None] if vlm.tiles else reference.image  # (batch, tiles, channels, height, width)
    native = context.native(
        lambda: reference.create(
            lambda module: {"last_hidden_state": module.forward_features(reference.image)},
            num_classes=0,
            **vlm.timm_args,
        )
    )
    features = _features_of(native)
    words = torch.tensor([[1, *[IMAGE] * features.tokens, *TEXT]], device=reference.placement.device)

    def run(model: Any) -> Outputs:
        projected = model.model.get_image_features(pixel_values=pixels)
        whole = model(input_ids=words, pixel_values=pixels, attention_mask=torch.ones_like(words))
        return {
            "last_hidden_state": model.model.vision_tower(reference.image).last_hidden_state,
            f"{WHOLE} image features": _tensor_of(projected),
            f"{WHOLE} logits": whole.logits,
        }

    holder = Holder(
        build=lambda: vlm.build(reference.architecture, features),
        from_pretrained=getattr(transformers, vlm.cls).from_pretrained,
        prefixes=(PREFIX,),
        native=lambda: native,
        run=run,
        back=Back.EACH,
    )
    yield from save_and_load(context, holder)


def _tensor_of(projected: Any) -> Tensor:
    """The projected features: a tensor in transformers 4; since 5.0 an output with a tensor, or one a picture."""
    features = projected if isinstance(projected, Tensor) else projected.pooler_output
    return features if isinstance(features, Tensor) else torch.stack(list(features))


def _features_of(native: Native) -> Features:
    """The sizes of native features of shape (batch, channels, height, width) or (batch, tokens, channels)."""
    shape = native.runs.first["last_hidden_state"].shape
    if len(shape) == MAP_DIMS:
        return Features(shape[1], shape[2] * shape[3], prefix_tokens=0)
    prefix_tokens = native.module.num_prefix_tokens
    return Features(shape[2], shape[1] - min(prefix_tokens, 1), prefix_tokens)  # registers count as of the picture


def _gemma3n(architecture: str, features: Features) -> Any:
    from transformers import (  # noqa: PLC0415  by release
        Gemma3nAudioConfig,
        Gemma3nConfig,
        Gemma3nForConditionalGeneration,
        Gemma3nTextConfig,
        Gemma3nVisionConfig,
    )

    # The vocabularies follow each other: text 0 to 31, vision 32 to 39, audio 40 to 47.
    text = Gemma3nTextConfig(
        **TINY,
        head_dim=16,
        vocab_size_per_layer_input=32,
        hidden_size_per_layer_input=8,
        num_kv_shared_layers=0,
        laurel_rank=4,
        sliding_window=512,
        layer_types=["full_attention"],
        altup_num_inputs=2,
        activation_sparsity_pattern=[0.0],
    )
    vision = Gemma3nVisionConfig(architecture=architecture, hidden_size=features.width, vocab_size=8, vocab_offset=32)
    audio = Gemma3nAudioConfig(
        hidden_size=32,
        vocab_size=8,
        vocab_offset=40,
        input_feat_size=16,
        conf_num_attention_heads=2,
        conf_num_hidden_layers=1,
        sscp_conv_channel_size=(4, 4),
    )
    config = Gemma3nConfig(
        text_config=text,
        vision_config=vision,
        audio_config=audio,
        vision_soft_tokens_per_image=features.tokens,
        boi_token_id=32,
        image_token_id=IMAGE,
        eoi_token_id=34,
        boa_token_id=40,
        audio_token_id=41,
        eoa_token_id=42,
    )
    return Gemma3nForConditionalGeneration(config)


def _perception_lm(architecture: str, features: Features) -> Any:
    from transformers import (  # noqa: PLC0415  by release
        LlamaConfig,
        PerceptionLMConfig,
        PerceptionLMForConditionalGeneration,
        TimmWrapperConfig,
    )

    # Its projector reads a width from model_args, which are also passed to timm.
    args = {"embed_dim": features.width}
    vision = TimmWrapperConfig(architecture=architecture, model_args=args, do_pooling=False)
    config = PerceptionLMConfig(
        vision_config=vision,
        text_config=LlamaConfig(**TINY),
        image_token_id=IMAGE,
        video_token_id=34,
        vision_use_cls_token=features.prefix_tokens > 0,
    )
    return PerceptionLMForConditionalGeneration(config)


def _fast_vlm(architecture: str, features: Features) -> Any:
    from transformers import (  # noqa: PLC0415  by release
        FastVlmConfig,
        FastVlmForConditionalGeneration,
        Qwen2Config,
        TimmWrapperConfig,
    )

    vision = TimmWrapperConfig(
        architecture=architecture, hidden_size=features.width, do_pooling=True, model_args=dict(REPARAMETRISED)
    )
    config = FastVlmConfig(vision_config=vision, text_config=Qwen2Config(**TINY), image_token_id=IMAGE)
    return FastVlmForConditionalGeneration(config)


REPARAMETRISED: Final[Mapping[str, Any]] = {"inference_mode": True}
VLMS: Final = (
    Vlm("Gemma3nForConditionalGeneration", "mobilenetv5", _gemma3n, {}),
    Vlm("PerceptionLMForConditionalGeneration", "eva", _perception_lm, {}, tiles=True),
    Vlm("FastVlmForConditionalGeneration", "fastvit", _fast_vlm, REPARAMETRISED),
)


ROUTE: Final = VlmRoute()
