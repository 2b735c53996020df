"""Faults in tensors beyond their values: layout, shared memory; and in what computes with small variances."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from transformers.models.detr.modeling_detr import DetrFrozenBatchNorm2d

from tests.cell.faults.kinds.replaced import VIT, on_model, on_modules, on_parameters, replacing
from tests.cell.faults.outside import CONVNEXT, RESNET, Fault, Reached, after, loading

GEMMA = "mobilenetv5_base"


def channels_last(model: Any) -> None:
    model.to(memory_format=torch.channels_last)


def transposed(_module: Any, parameter: Any, _leaf: str) -> None:
    """The same values, laid out by columns."""
    if parameter.dim() == 2:
        parameter.data = parameter.data.t().contiguous().t()


def of_one_memory(model: Any) -> None:
    """All parameters are parts of one block of memory, which each of them keeps alive and saves whole."""
    parameters = list(model.parameters())
    block = torch.cat([parameter.detach().flatten() for parameter in parameters])
    start = 0
    for parameter in parameters:
        parameter.data = block[start : start + parameter.numel()].view(parameter.shape)
        start += parameter.numel()


def tied_if_equal(model: Any, _info: Any) -> bool:
    """Parameters of equal values become one."""
    seen: dict[tuple[int, ...], list[Any]] = {}
    tied = False
    for name, parameter in model.named_parameters():
        owner, _, leaf = name.rpartition(".")
        alike = next((other for other in seen.get(parameter.shape, []) if torch.equal(other, parameter)), None)
        if alike is not None and alike is not parameter:
            setattr(model.get_submodule(owner), leaf, alike)
            tied = True
        seen.setdefault(parameter.shape, []).append(parameter)
    return tied


def tied(model: Any, _info: Any) -> bool:
    """Two LayerScales of a block become one; their values stay those of one of them."""
    blocks = [module for module in model.modules() if hasattr(module, "ls1") and hasattr(module.ls1, "gamma")]
    for block in blocks:
        block.ls2.gamma.data = block.ls1.gamma.data
    return bool(blocks)


def one_counter(model: Any, _info: Any) -> bool:
    """All batch norms count their batches in one tensor, in which they have the same number."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms[1:]:
        norm.num_batches_tracked = norms[0].num_batches_tracked
    return bool(norms)


def in_float32(original: Any, reached: Reached, *args: Any, **kwargs: Any) -> Any:
    """Where no dtype is asked for, a model is loaded in float32, not in the dtype of its checkpoint."""
    asked = "dtype" in kwargs or "torch_dtype" in kwargs
    reached.times += not asked
    return original(*args, **({} if asked else {"dtype": torch.float32}), **kwargs)


def untied(model: Any, _info: Any) -> bool:
    embeddings, head = model.get_input_embeddings(), model.get_output_embeddings()
    if head is None or embeddings is None or head.weight is not embeddings.weight:
        return False
    head.weight = nn.Parameter(head.weight.detach().clone())
    return True


def without_eps(_original: Any, reached: Reached, self: Any, x: Any) -> Any:
    weight, bias, mean, var = (
        tensor.reshape(1, -1, 1, 1) for tensor in (self.weight, self.bias, self.running_mean, self.running_var)
    )
    reached.times += 1
    scale = weight * var.rsqrt()
    return x * scale + (bias - mean * scale)


def no_eps(norm: Any) -> None:
    norm.eps = 0.0


STRIDES = "is not contiguous, and must be"
FAULTS: Mapping[str, Fault] = {
    "weights come back as channels_last": Fault(
        on_model(channels_last), "wrapper", "flags", STRIDES, CONVNEXT, scenario=""
    ),
    "weights of a backbone come back as channels_last": Fault(
        on_model(channels_last), "backbone", "flags", STRIDES, CONVNEXT, scenario=""
    ),
    "a matrix laid out by columns": Fault(
        on_parameters("projector", transposed), "tower", "flags", f"projector.weight {STRIDES}", VIT, scenario=""
    ),
    "all parameters in one memory": Fault(
        on_model(of_one_memory),
        *("wrapper", "flags", "is a part of a larger memory", VIT),
        scenario="",
    ),
    "equal parameters become one": Fault(
        after(tied_if_equal), "wrapper", "flags", "share their memory is True, not False", VIT, scenario="report"
    ),
    "two LayerScales become one": Fault(after(tied), "tower", "tensors", "ls2.gamma holds what", VIT, scenario=""),
    "a half-precision checkpoint becomes float32": Fault(
        loading(in_float32), "wrapper", "tensors", "is float32, not ", VIT, "half", scenario=""
    ),
    "counters of batch norms become one": Fault(
        after(one_counter), "tower", "flags", "share their memory, and must not", RESNET, scenario=""
    ),
    "a tie lost": Fault(after(untied), "vlm", "flags", "no longer share their memory", GEMMA),
    "a frozen batch norm without its epsilon": Fault(
        replacing(DetrFrozenBatchNorm2d, "forward", without_eps),
        "detector",
        "outputs",
        "state is equal",
        RESNET,
        scenario="DETR",
    ),
    "batch norms without an epsilon": Fault(
        on_modules(nn.BatchNorm2d, no_eps), "tower", "flags", "bn1.eps is 0.0, not 1e-05", RESNET, scenario=""
    ),
}
