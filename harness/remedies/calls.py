"""Remedies that change how a loaded model computes, by hooks; its state is left as it is. Each takes the model."""

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import timm
from torch import Tensor, nn
from transformers import TimmBackbone


def apply_activations_again(model: nn.Module) -> None:
    """Apply the activation of each BatchNormAct2d that a DETR replaced by a frozen batch norm without one."""
    config: Any = getattr(model, "config", None)
    name = getattr(getattr(config, "backbone_config", None), "backbone", None) or getattr(config, "backbone", None)
    if not isinstance(name, str):
        return
    activations = {
        path: module.act
        for path, module in timm.create_model(name, features_only=True).named_modules()
        if type(module).__name__ == "BatchNormAct2d"
    }
    for path, module in model.named_modules():
        if "FrozenBatchNorm" in type(module).__name__:
            ends = [end for end in activations if path.endswith(f".{end}")]
            if ends:
                module.register_forward_hook(functools.partial(_activated, activations[max(ends, key=len)]))


def collect_all_levels(model: nn.Module) -> None:
    """Let a TimmBackbone take its hidden states from a feature extractor of all levels, which shares its weights."""
    for backbone in backbones(model):
        own = backbone._backbone  # noqa: SLF001  TimmBackbone has no public name for it
        whole = extractor(backbone.config, out_indices=tuple(range(len(own.feature_info.info))))
        whole.load_state_dict(own.state_dict(keep_vars=True), assign=True, strict=False)
        backbone.forward = functools.partial(_with_all_levels, backbone.forward, own, whole)


def cast_pixels(model: nn.Module) -> None:
    """Cast pixels to the model's dtype before each call, as transformers 5.5 and later do."""
    model.register_forward_pre_hook(_cast, with_kwargs=True)


def cast_inputs(model: nn.Module) -> None:
    """Cast what reaches a linear layer to the dtype of its weights, for a model that computes positions in float32."""
    for module in model.modules():
        if isinstance(module, nn.Linear):
            module.register_forward_pre_hook(_cast, with_kwargs=True)


def _cast(module: nn.Module, positional: tuple[Any, ...], named: Mapping[str, Any]) -> tuple[Any, Any]:
    dtype = next(parameter.dtype for parameter in module.parameters() if parameter.is_floating_point())

    def cast(value: Any) -> Any:
        return value.to(dtype) if isinstance(value, Tensor) and value.is_floating_point() else value

    return tuple(map(cast, positional)), {name: cast(value) for name, value in named.items()}


def _activated(act: nn.Module, _module: nn.Module, _given: Any, output: Tensor) -> Any:
    return act(output)


def _with_all_levels(forward: Any, own: nn.Module, whole: nn.Module, pixel_values: Tensor, **given: Any) -> Any:
    """The output of a TimmBackbone, its hidden states from `whole`, in the mode of its own module."""
    if not given.pop("output_hidden_states", None):
        return forward(pixel_values, **given)
    output = forward(pixel_values, output_hidden_states=False, **given)
    whole.train()  # which empties what modules cached without gradients
    whole.train(own.training)
    output.hidden_states = tuple(whole.to(pixel_values.device, pixel_values.dtype)(pixel_values))
    return output


def extractor(config: Any, **changes: Any) -> Any:
    """Make timm's feature extractor as a TimmBackbone of this configuration does."""
    made = {"in_chans": config.num_channels, "out_indices": tuple(config.out_indices), **changes}
    return timm.create_model(config.backbone, features_only=True, **made)


def backbones(model: nn.Module) -> Iterator[Any]:
    """The TimmBackbones in a model."""
    return (module for module in model.modules() if isinstance(module, TimmBackbone))


def give_input_embeddings(model: nn.Module) -> None:
    """Let `get_input_embeddings` of each TimmWrapper give the first layer of its timm model, as transformers 5 does."""
    for wrapper in model.modules():
        if isinstance(getattr(wrapper, "timm_model", None), nn.Module):
            first = next(module for module in wrapper.timm_model.modules() if isinstance(module, nn.Conv2d | nn.Linear))
            wrapper.get_input_embeddings = lambda layer=first: layer
