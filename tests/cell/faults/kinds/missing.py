"""Faults that nothing compares yet: cost, and what timm itself computes. Variants half and named are missing too."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from timm.layers import pos_embed_sincos
from timm.models import vision_transformer
from torch import Tensor

from tests.cell.faults.kinds.replaced import VIT, replacing
from tests.cell.faults.outside import Fault, Reached, loading

COST = "the time and the memory of a load are not compared"
TIMM = "native timm is the oracle, and is wrong alike; fingerprints of each timm release would tell"
ROTARY = "eva02_tiny_patch14_224"


def read_whole(original: Any, reached: Reached, folder: Any, *args: Any, **kwargs: Any) -> Any:
    """The checkpoint is read into memory, 32 times as large, beside being mapped."""
    kept = [load_file(path) for path in Path(folder).glob("*.safetensors") for _ in range(32)]
    result = original(folder, *args, **kwargs)
    reached.times += bool(kept)
    return result


def once_a_key(original: Any, reached: Reached, *args: Any, **kwargs: Any) -> Any:
    """The state dict is built once for each of its keys."""
    result = original(*args, **kwargs)
    model = result[0] if isinstance(result, tuple) else result
    for _ in model.state_dict():
        model.state_dict()
        reached.times += 1
    return result


def with_prefix(original: Any, reached: Reached, x: Tensor, pool_type: str = "token", *args: Any, **kwargs: Any) -> Any:
    reached.times += pool_type == "avg"
    return original(x, pool_type, *args, **{**kwargs, "reduce_include_prefix": True})


def turned(original: Any, reached: Reached, feat_shape: Any, *args: Any, **kwargs: Any) -> Any:
    """Height and width in each other's place."""
    reached.times += 1
    tables = original(feat_shape, *args, **kwargs)
    height, width = feat_shape
    return tuple(
        table.reshape(height, width, -1).transpose(0, 1).reshape(height * width, -1)
        if torch.is_tensor(table)
        else table
        for table in tables
    )


FAULTS: Mapping[str, Fault] = {
    "a checkpoint read into memory": Fault(
        loading(read_whole), "wrapper", "cost", "memory", VIT, scenario="", escapes=COST
    ),
    "a state dict built once a key": Fault(
        loading(once_a_key), "wrapper", "cost", "time", VIT, scenario="", escapes=COST
    ),
    "average pooling counts the class token": Fault(
        replacing(vision_transformer, "global_pool_nlc", with_prefix),
        *("classifier", "outputs", "timm computes otherwise", "test_vit2"),
        scenario="",
        in_timm=True,
        escapes=TIMM,
    ),
    "a rotary table with height and width exchanged": Fault(
        replacing(pos_embed_sincos, "build_rotary_pos_embed", turned),
        *("tower-wrapper", "outputs", "timm computes otherwise", ROTARY),
        scenario="",
        in_timm=True,
        escapes=TIMM,
    ),
}
