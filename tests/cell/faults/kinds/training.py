"""Faults that only training shows: modes, frozen parameters, gradients, dropout, checkpointing."""

from collections.abc import Mapping
from typing import Any

import torch
from timm.layers import LayerScale
from torch import nn
from transformers import TimmWrapperForImageClassification, TimmWrapperModel
from transformers.models.timm_wrapper.modeling_timm_wrapper import TimmWrapperPreTrainedModel

from tests.cell.faults.kinds.interface import changing, with_some_states
from tests.cell.faults.kinds.replaced import (
    VIT,
    leaving,
    on_model,
    on_modules,
    on_parameters,
    replacing,
    returning,
)
from tests.cell.faults.outside import RESNET, Fault, Reached


def frozen(_module: Any, parameter: Any, _leaf: str) -> None:
    parameter.requires_grad_(requires_grad=False)


def as_buffer(module: Any, parameter: Any, leaf: str) -> None:
    delattr(module, leaf)
    module.register_buffer(leaf, parameter.detach().clone())


def with_gradient(_module: Any, parameter: Any, _leaf: str) -> None:
    parameter.grad = torch.ones_like(parameter)


def twice_the_gradient(_module: Any, parameter: Any, _leaf: str) -> None:
    parameter.register_hook(lambda gradient: 2 * gradient)


def no_gradient(original: Any, reached: Reached, *args: Any, **kwargs: Any) -> Any:
    reached.times += torch.is_grad_enabled()
    with torch.no_grad():
        return original(*args, **kwargs)


def scale_detached(_original: Any, reached: Reached, self: Any, x: Any) -> Any:
    reached.times += torch.is_grad_enabled()
    return x * self.gamma.detach()


def scale_frozen(original: Any, reached: Reached, self: Any, *args: Any, **kwargs: Any) -> None:
    original(self, *args, **kwargs)
    self.gamma.requires_grad_(requires_grad=False)
    reached.times += 1


def probed(original: Any, reached: Reached, self: Any) -> Any:
    supported = original(self)
    if supported:
        self.timm_model.set_grad_checkpointing(enable=True)
        reached.times += 1
    return supported


def alone(original: Any, reached: Reached, self: Any, mode: bool = True) -> Any:  # noqa: FBT001, FBT002  torch's own
    """As where a wrapper's `train` does not reach the modules inside."""
    if not mode:
        return original(self, mode)
    self.training = True
    reached.times += 1
    return self


def without_rates(original: Any, reached: Reached, self: Any, config: Any, *args: Any, **kwargs: Any) -> None:
    given = config.model_args or {}
    config.model_args = {name: value for name, value in given.items() if name != "drop_path_rate"}
    reached.times += config.model_args != given
    original(self, config, *args, **kwargs)


def detached(output: Any, *_args: Any, **_kwargs: Any) -> Any:
    for name in ("loss", "pooler_output", "hidden_states"):
        value = output.get(name) if hasattr(output, "get") else None
        if value is not None:
            output[name] = tuple(state.detach() for state in value) if isinstance(value, tuple) else value.detach()
            return type(output)(**output)
    return output


def before_dropout(module: Any) -> None:
    """Something draws a number before each dropout, in training mode."""
    module.register_forward_pre_hook(lambda *_: [torch.rand(1), None][1] if module.training else None)


def another_momentum(norm: Any) -> None:
    norm.momentum = 0.01


def forgotten(norm: Any) -> None:
    """Running statistics are not updated in training."""
    norm.register_forward_pre_hook(lambda *_: setattr(norm, "momentum", 0.0) if norm.training else None)
    norm.register_forward_hook(lambda *_: setattr(norm, "momentum", 0.1))


FROZEN, MODEL = "requires no gradient, and must", "the model that transformers loaded"
FAULTS: Mapping[str, Fault] = {
    "parameters come back frozen": Fault(on_parameters("", frozen), "wrapper", "flags", FROZEN, VIT, scenario=""),
    "LayerScales come back frozen": Fault(on_parameters("gamma", frozen), "tower", "flags", FROZEN, VIT, scenario=""),
    "the text tower comes back frozen": Fault(
        on_parameters("text_tower", frozen), "tower", "flags", "text_tower", VIT, scenario=""
    ),
    "a new head comes back frozen": Fault(
        on_parameters("head", frozen),
        "classifier",
        "flags",
        "head.bias requires no gradient",
        VIT,
        scenario="13 labels",
    ),
    "LayerScales come back as buffers": Fault(
        on_parameters("gamma", as_buffer), "tower", "flags", "is a buffer", VIT, scenario=""
    ),
    "parameters come back with a gradient": Fault(
        on_parameters("gamma", with_gradient), "wrapper", "flags", "has a gradient", VIT, scenario=""
    ),
    "gradients stay off after loading": Fault(
        leaving(lambda: torch.set_grad_enabled(False)),
        "wrapper",
        "leaked",
        "phase load: grad mode was True",
        VIT,
        scenario="",
    ),
    "timm's LayerScale gets no gradient": Fault(
        replacing(LayerScale, "forward", scale_detached),
        *("tower", "gradients", "ls1.gamma gets no gradient", VIT),
        scenario="",
        in_timm=True,
    ),
    "timm builds LayerScale frozen": Fault(
        replacing(LayerScale, "__init__", scale_frozen),
        *("tower", "flags", f"native timm: blocks.0.ls1.gamma {FROZEN}", VIT),
        scenario="",
        in_timm=True,
    ),
    "a wrapper computes without gradients": Fault(
        replacing(TimmWrapperModel, "forward", no_gradient),
        "wrapper",
        "gradients",
        "gets no gradient",
        VIT,
        scenario="",
    ),
    "a classifier computes without gradients": Fault(
        replacing(TimmWrapperForImageClassification, "forward", no_gradient),
        *("classifier", "gradients", "gets no gradient", VIT),
        scenario="",
    ),
    "a loss without gradients": Fault(
        returning(TimmWrapperForImageClassification, "forward", detached),
        *("classifier", "gradients", "gradient", VIT),
        scenario="training",
    ),
    "pooling without gradients": Fault(
        returning(TimmWrapperModel, "forward", detached), "wrapper", "gradients", "gradient", VIT, scenario=""
    ),
    "hidden states come back detached": Fault(
        returning(
            TimmWrapperModel,
            "forward",
            changing("hidden_states", lambda states: [state.detach() for state in states], with_some_states),
        ),
        *("wrapper-features", "gradients", "gets no gradient from hidden_states.0", RESNET),
    ),
    "a gradient counted twice": Fault(
        on_parameters("gamma", twice_the_gradient), "tower", "gradients", "gets another gradient", VIT, scenario=""
    ),
    "gradient checkpointing stays on": Fault(
        replacing(TimmWrapperPreTrainedModel, "_timm_model_supports_gradient_checkpointing", probed),
        *("wrapper", "flags", "grad_checkpointing is True, not False", VIT),
        scenario="",
    ),
    "a model left in training mode": Fault(
        on_model(lambda model: model.train()), "wrapper", "flags", "is in training mode", VIT, scenario=""
    ),
    "a custom model left in training mode": Fault(
        on_model(lambda model: model.train()), "tower", "flags", "is in training mode", VIT, scenario=""
    ),
    "dropout alone left in training mode": Fault(
        on_modules(nn.Dropout, lambda module: module.train()),
        "wrapper",
        "flags",
        "drop1 is in training",
        VIT,
        scenario="",
    ),
    "train does not reach the timm model": Fault(
        replacing(TimmWrapperPreTrainedModel, "train", alone),
        "classifier",
        "outputs",
        "(training) is off",
        VIT,
        scenario="training",
    ),
    "a drop path rate ignored": Fault(
        replacing(TimmWrapperForImageClassification, "__init__", without_rates),
        *("classifier", "flags", "drop_path"),
        scenario="training",
    ),
    "random numbers drawn otherwise in training": Fault(
        on_modules(nn.Dropout, before_dropout),
        "tower",
        "outputs",
        "last_hidden_state (training) is off",
        VIT,
        scenario="training",
    ),
    "another momentum of batch norms": Fault(
        on_modules(nn.BatchNorm2d, another_momentum), "tower", "flags", "momentum is 0.01, not 0.1", RESNET, scenario=""
    ),
    "running statistics not updated": Fault(
        on_modules(nn.BatchNorm2d, forgotten), "tower", "outputs", "running_mean", RESNET, scenario="training"
    ),
}
