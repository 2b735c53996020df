"""Finds where two models with the same tensors begin to compute different outputs."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from ...contract.plan import Tolerance
from .comparison import compare_outputs


def first_module(
    native: nn.Module,
    run_native: Callable[[], Any],
    loaded: nn.Module,
    run_loaded: Callable[[], Any],
    within: Tolerance,
) -> str | None:
    """The first module whose output differs, in the order of native's forward pass; None if none does."""
    expected, actual = _trace(native, run_native), _trace(loaded, run_loaded)
    for name, tensor in expected.items():
        if name not in actual:
            continue  # a module that the loaded model lacks shows in the module around it
        (difference,) = compare_outputs({name: tensor}, lambda: expected, {name: actual[name]}, within)
        if not difference.holds:
            kind, shape = type(native.get_submodule(name)).__name__, tuple(tensor.shape)
            return f"{name} ({kind}, shape {shape}), by {difference.max_abs:.3g}"
    return None


def _trace(module: nn.Module, run: Callable[[], Any]) -> dict[str, Tensor]:
    """The first output of each submodule, by name, in the order in which the submodules finish."""
    outputs: dict[str, Tensor] = {}

    def hook(name: str) -> Callable[..., None]:
        def record(_module: nn.Module, _args: Any, output: Any) -> None:
            if isinstance(output, Tensor) and name not in outputs:
                outputs[name] = output.detach().clone()

        return record

    handles = [part.register_forward_hook(hook(name)) for name, part in module.named_modules() if name]
    try:
        run()
    finally:
        for handle in handles:
            handle.remove()
    return outputs
