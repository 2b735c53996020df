"""What the configuration of each detector is given, shrunk, for a timm backbone of these levels."""

from collections.abc import Mapping
from typing import Any, Final

import torch
import transformers
from torch import Tensor

from ..models.reference import ReferenceModel
from .levels import MOST, Levels

WIDTH: Final = 32
SMALL: Final[Mapping[str, Any]] = {
    "d_model": WIDTH,
    "encoder_layers": 1,
    "decoder_layers": 2,  # with one, transformers 5 finds no layers that share their heads
    "encoder_ffn_dim": 32,
    "decoder_ffn_dim": 32,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "num_labels": 3,
}


def detr(_: Levels) -> Mapping[str, Any]:
    """DETR, Conditional DETR and Table Transformer."""
    return {**SMALL, "num_queries": MOST, "dropout": 0.0}


def deformable(levels: Levels) -> Mapping[str, Any]:
    """Deformable DETR, with a level more than the backbone has, as by default."""
    points = {"encoder_n_points": 2, "decoder_n_points": 2}
    wide = {"d_model": 2 * WIDTH}  # its group norms refuse a map of one cell with one channel a group
    return {
        **detr(levels),
        **points,
        **wide,
        "num_feature_levels": len(levels.indices) + 1,
        "disable_custom_kernels": True,
    }


def rt_detr(levels: Levels) -> Mapping[str, Any]:
    """RT-DETR v2 and D-FINE, whose names of fields are the same."""
    count = len(levels.indices)
    return {
        **SMALL,
        "num_queries": levels.queries,
        "encoder_hidden_dim": WIDTH,
        "encoder_in_channels": list(levels.channels),
        "feat_strides": list(levels.strides),
        "encode_proj_layers": [count - 1],
        "decoder_in_channels": [WIDTH] * count,
        "num_feature_levels": count,
        "decoder_n_levels": count,
        "decoder_n_points": 2,
        "num_denoising": 0,
    }


def upernet(levels: Levels) -> Mapping[str, Any]:
    """UperNet, with its auxiliary head where there is a third level, which that takes."""
    third = {"auxiliary_in_channels": levels.channels[2], "auxiliary_channels": 8} if len(levels.channels) > 2 else {}  # noqa: PLR2004
    return {"hidden_size": WIDTH, "pool_scales": [1, 2], "num_labels": 3, "use_auxiliary_head": bool(third), **third}


def mask2former(levels: Levels) -> Mapping[str, Any]:
    """Mask2Former."""
    return {
        "feature_size": WIDTH,
        "mask_feature_size": WIDTH,
        "hidden_dim": WIDTH,
        "encoder_feedforward_dim": 32,
        "dim_feedforward": 32,
        "encoder_layers": 1,
        "decoder_layers": 2,
        "num_attention_heads": 2,
        "num_queries": MOST,
        "feature_strides": list(levels.strides),
        "common_stride": levels.strides[0],
    }


def omdet(levels: Levels) -> Mapping[str, Any]:
    """OmDet-Turbo, for a single level."""
    text = transformers.CLIPTextConfig(
        vocab_size=32,
        hidden_size=64,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        projection_dim=32,
        max_position_embeddings=16,
        bos_token_id=0,
        eos_token_id=31,
        pad_token_id=1,
    )
    return {
        "text_config": text,
        "apply_layernorm_after_vision_backbone": False,
        "encoder_in_channels": list(levels.channels),
        "vision_features_channels": [WIDTH],
        "num_feature_levels": 1,
        "encoder_projection_indices": [0],
        "encoder_hidden_dim": WIDTH,
        "encoder_attention_heads": 2,
        "encoder_dim_feedforward": 32,
        "encoder_layers": 1,
        "decoder_hidden_dim": WIDTH,
        "decoder_num_heads": 2,
        "decoder_num_layers": 1,
        # At most one query for each cell of the map; text wider than the decoder, which otherwise does not project it.
        "decoder_dim_feedforward": 32,
        "num_queries": 1,
        "text_projection_in_dim": 64,
        "text_projection_out_dim": 64,
        "class_embed_dim": 64,
        "task_encoder_hidden_dim": 32,
        "image_size": 64,
        "disable_custom_kernels": True,
    }


def words(reference: ReferenceModel) -> Mapping[str, Tensor]:
    """The inputs of OmDet-Turbo: a picture, two classes and a task, as tokens."""
    classes, task = torch.tensor([[0, 5, 31], [0, 7, 31]]), torch.tensor([[0, 9, 5, 7, 31]])
    tokens = {
        "classes_input_ids": classes,
        "classes_attention_mask": torch.ones_like(classes),
        "tasks_input_ids": task,
        "tasks_attention_mask": torch.ones_like(task),
        "classes_structure": torch.tensor([2]),
    }
    return {
        "pixel_values": reference.image,
        **{name: values.to(reference.placement.device) for name, values in tokens.items()},
    }
