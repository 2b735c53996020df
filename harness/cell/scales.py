"""Which parameters of a model are LayerScales, whatever they are called.

A LayerScale is a learned vector, one number a channel, by which a branch is multiplied and nothing else. What it is
called differs from family to family (`gamma`, `gamma_1`, `ls1.gamma`, `layer_scale1.scale`), so it is recognised by
what the code of its module does with it.
"""

import ast
import functools
import inspect
import textwrap
from typing import Final

from torch import Tensor, nn

PRODUCTS: Final = ("mul", "mul_", "addcmul")


def scaled(module: nn.Module) -> bool:
    """Whether a model has a LayerScale, or any key with `gamma` or `beta`."""
    return any("gamma" in key or "beta" in key for key in module.state_dict()) or bool(layer_scales(module))


def layer_scales(module: nn.Module) -> list[str]:
    """The names of a model's LayerScale parameters."""
    return [
        f"{path}.{name}" if path else name
        for path, owner in module.named_modules()
        for name, parameter in owner.named_parameters(recurse=False)
        if _has_one_number_a_channel(parameter, owner)
        and _scales_a_branch(owner)
        and name in _multiplied(owner.__class__)
    ]


def _has_one_number_a_channel(parameter: Tensor, owner: nn.Module) -> bool:
    """Shape (channels,) or (channels, 1, 1); one number a head, as an attention temperature has, is another thing."""
    vector = parameter.numel() > 1 and set(parameter.shape[1:]) <= {1} and parameter.dim() in {1, 3}
    return vector and parameter.numel() != getattr(owner, "num_heads", None)


def _scales_a_branch(owner: nn.Module) -> bool:
    """A norm has a shift beside its scale; a LayerScale is alone, or belongs to the block whose branch it scales."""
    alone = len(list(owner.parameters(recurse=False))) == 1
    return alone or next(owner.children(), None) is not None


@functools.cache
def _multiplied(kind: type[nn.Module]) -> frozenset[str]:
    """The attributes of self that a module's forward multiplies by."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(kind.forward)))
    except (OSError, TypeError, SyntaxError):
        return frozenset()
    factors: list[ast.expr] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            factors += [node.left, node.right]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in PRODUCTS:
            factors += node.args
    return frozenset(
        inner.attr
        for factor in factors
        for inner in ast.walk(factor)
        if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name) and inner.value.id == "self"
    )
