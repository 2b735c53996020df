"""Where two models that hold the same tensors begin to compute different things."""

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
    """The first module, in the order of native's forward pass, whose output differs; None where none does."""
    expected, got = _trace(native, run_native), _trace(loaded, run_loaded)
    for name, tensor in expected.items():
        if name not in got:
            continue  # a module that the loaded one does without shows in what holds it
        (compared,) = compare_outputs({name: tensor}, lambda: expected, got, within)
        if not compared.holds:
            kind, shape = type(native.get_submodule(name)).__name__, tuple(tensor.shape)
            return f"{name} ({kind}, shape {shape}), by {compared.max_abs:.3g}"
    return None


def _trace(module: nn.Module, run: Callable[[], Any]) -> dict[str, Tensor]:
    """The first output of every submodule, by name, in the order in which they finish."""
    outputs: dict[str, Tensor] = {}

    def hook(name: str) -> Callable[..., None]:
        def keep(_module: nn.Module, _args: Any, output: Any) -> None:
            if isinstance(output, Tensor) and name not in outputs:
                outputs[name] = output.detach().clone()

        return keep

    handles = [part.register_forward_hook(hook(name)) for name, part in module.named_modules() if name]
    try:
        run()
    finally:
        for handle in handles:
            handle.remove()
    return outputs
