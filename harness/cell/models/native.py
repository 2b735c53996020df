"""A timm model as its users run it, and what it computes."""

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor, nn

from ...contract.case import SEED
from . import weights
from .layer_scales import layer_scales
from .placement import tensors_of

DROPOUT: Final[Mapping[str, float]] = {"drop_rate": 0.2}
DROPS: Final[Mapping[str, float]] = {**DROPOUT, "drop_path_rate": 0.5}
STATISTICS: Final = ("running_mean", "running_var", "num_batches_tracked")

Outputs = Mapping[str, Tensor]
Gradients = Mapping[str, Tensor | None]


@dataclass(frozen=True, eq=False)
class Runs:
    """Two runs of the same model on the same input, without gradients. Each runs when it is first read."""

    run: Callable[[], Outputs]
    run_again: Callable[[], Outputs]

    @classmethod
    def of(cls, run: Callable[[], Outputs]) -> "Runs":
        """Run the same function twice."""
        return cls(run, run)

    @functools.cached_property
    def first(self) -> Outputs:
        """The outputs of the first run."""
        with torch.no_grad():
            return self.run()

    @functools.cached_property
    def second(self) -> Outputs:
        """The outputs of the second run, whose distance from the first is noise."""
        with torch.no_grad():
            return self.run_again()


@dataclass(frozen=True, eq=False)
class Native:
    """A timm model with telling weights in its lane's placement, in eval mode; `run` runs it as timm's users do.

    `state` is its checkpoint: the same weights in float32 on the CPU, by the model's own names.
    """

    module: Any
    run: Callable[[], Outputs]
    state: Mapping[str, Tensor]
    _gradients: dict[tuple[str, ...], Gradients] = field(default_factory=dict)
    _reached: dict[tuple[str, ...], Mapping[str, frozenset[str]]] = field(default_factory=dict)

    @functools.cached_property
    def names(self) -> list[str]:
        """The names that timm gives the tensors of a checkpoint."""
        return list(self.module.state_dict())

    @functools.cached_property
    def tensors(self) -> dict[str, Tensor]:
        """Parameters and buffers by name, non-persistent buffers included."""
        return tensors_of(self.module)

    @functools.cached_property
    def scales(self) -> frozenset[str]:
        """The names of its LayerScale parameters."""
        return frozenset(layer_scales(self.module))

    @functools.cached_property
    def runs(self) -> Runs:
        """Its outputs, computed twice."""
        return Runs.of(self.run)

    def gradients(self, names: tuple[str, ...]) -> Gradients:
        """Its parameters' gradients by a pass back from the outputs of these names, computed once."""
        if names not in self._gradients:
            outputs = self._run_with_gradients()
            self._gradients[names] = backward(self.module, {name: outputs[name] for name in names})
        return self._gradients[names]

    def reached(self, names: tuple[str, ...]) -> Mapping[str, frozenset[str]]:
        """By output of these names, its parameters that a pass back from it would reach; found once."""
        if names not in self._reached:
            outputs = self._run_with_gradients()
            self._reached[names] = {name: reached(self.module, outputs[name]) for name in names}
        return self._reached[names]

    def _run_with_gradients(self) -> Outputs:
        forget_cached(self.module)
        try:
            with torch.enable_grad():
                return self.run()
        finally:
            forget_cached(self.module)  # it may hold a graph now, with which nobody can copy the module


def forget_cached(module: nn.Module) -> None:
    """Empty what modules cached in evaluation mode, without gradients: `train` does so, and users call it first."""
    module.train()
    module.eval()


def reached(module: nn.Module, output: Tensor) -> frozenset[str]:
    """The names of the parameters of a module that a pass back from an output would reach."""
    waiting, nodes, leaves = [output.grad_fn], set(), set()
    while waiting:
        node = waiting.pop()
        if node is not None and node not in nodes:
            nodes.add(node)
            leaves.add(id(getattr(node, "variable", None)))
            waiting += [parent for parent, _ in node.next_functions]
    return frozenset(name for name, parameter in module.named_parameters() if id(parameter) in leaves)


def backward(module: nn.Module, outputs: Outputs) -> Gradients:
    """The gradient of each parameter of a module by a pass back from `outputs`; the module keeps none.

    Each value of an output has a weight of its own, so that no two gradients cancel out.
    """
    parameters = {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}
    with torch.enable_grad():  # what a library left off is found elsewhere
        return _backward(parameters, outputs)


def _backward(parameters: Mapping[str, nn.Parameter], outputs: Outputs) -> Gradients:
    weighted = (tensor.float() * weights.image(tensor.shape)[0].to(tensor.device) for tensor in outputs.values())
    total = sum(tensor.mean() for tensor in weighted)
    if not isinstance(total, Tensor) or not total.requires_grad or not parameters:
        return dict.fromkeys(parameters)
    found = torch.autograd.grad(total, list(parameters.values()), allow_unused=True)
    return dict(zip(parameters, found, strict=True))


def refuse_nonfinite(outputs: Outputs) -> None:
    """Raise FloatingPointError if an output of native timm is not finite."""
    for name, tensor in outputs.items():
        if not bool(tensor.isfinite().all()):
            raise FloatingPointError(f"native timm's {name} is not finite")


def under(heading: str, outputs: Outputs) -> Outputs:
    """Outputs by name, with what they were computed on before it: `two pictures: logits`."""
    return {f"{heading}: {name}": tensor for name, tensor in outputs.items()}


def numbered(tensors: Iterable[Tensor], name: str = "feature_maps") -> Outputs:
    """Outputs of several levels by name: `feature_maps.0` and on."""
    return {f"{name}.{index}": tensor for index, tensor in enumerate(tensors)}


def trained(model: nn.Module, timm_module: nn.Module, run: Callable[[], Outputs]) -> Outputs:
    """The outputs of a model in training mode, and the running statistics of its timm module afterwards.

    The model itself stays as it was: what the pass changes are copies of its buffers. The generator is seeded alike for
    each call, and put back.
    """
    held = [(module, dict(module._buffers)) for module in model.modules()]  # noqa: SLF001  torch has no public name
    for module, buffers in held:
        module._buffers.update({name: buffer.clone() for name, buffer in buffers.items() if buffer is not None})  # noqa: SLF001
    devices = [0] if next(model.parameters()).is_cuda else []
    try:
        with torch.random.fork_rng(devices):
            weights.seed_torch(SEED)
            outputs = run_in_training_mode(model, run)
        statistics = {name: buffer for name, buffer in timm_module.named_buffers() if name.endswith(STATISTICS)}
        return {**outputs, **statistics}
    finally:
        for module, buffers in held:
            module._buffers.update(buffers)  # noqa: SLF001


def run_in_training_mode(model: nn.Module, run: Callable[[], Outputs]) -> Outputs:
    """The outputs of `run` with a model in training mode."""
    model.train()
    try:
        return run()
    finally:
        model.eval()
