"""Finds the LayerScale parameters of a model, under any name.

A LayerScale is a learned vector, one number a channel, that multiplies a branch and does nothing else. Its name
differs from family to family (`gamma`, `gamma_1`, `ls1.gamma`, `layer_scale1.scale`), so it is recognised by
its use in the code of its module.
"""

import ast
import functools
import inspect
import textwrap
from typing import Final

from torch import Tensor, nn

PRODUCTS: Final = ("mul", "mul_", "addcmul")
NORMALISING: Final = ("rsqrt", "variance", "rms_norm")


def has_layer_scale(module: nn.Module) -> bool:
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
    """Whether the shape is (channels,), (channels, 1, 1) or (1, channels, 1, 1), and not one number a head."""
    channels = parameter.numel()
    vector = tuple(parameter.shape) in {(channels,), (channels, 1, 1), (1, channels, 1, 1)}
    return vector and channels > 1 and channels != getattr(owner, "num_heads", None)


def _scales_a_branch(owner: nn.Module) -> bool:
    """Whether `owner` is no norm, with a shift beside its scale; a LayerScale is alone, or in the block it scales."""
    alone = len(list(owner.parameters(recurse=False))) == 1
    return alone or next(owner.children(), None) is not None


@functools.cache
def _multiplied(kind: type[nn.Module]) -> frozenset[str]:
    """The attributes of self by which a module's forward multiplies, directly or through a variable.

    None for a norm: one without a shift multiplies too, but its scale is no LayerScale.
    """
    try:
        source = textwrap.dedent(inspect.getsource(kind.forward))
        tree = ast.parse(source)
    except (OSError, TypeError, SyntaxError):
        return frozenset()
    if kind.__name__.endswith("Norm") or any(word in source for word in NORMALISING):
        return frozenset()
    factors: list[ast.expr] = []
    views: dict[str, str] = {}
    for node in ast.walk(tree):
        match node:
            case ast.BinOp(op=ast.Mult()):
                factors += [node.left, node.right]
            case ast.Call(func=ast.Attribute(attr=name)) if name in PRODUCTS:
                factors += node.args
            case ast.Assign(targets=[ast.Name(id=name)]):
                views[name] = _viewed(node.value)
    parts = [part for factor in factors for part in ast.walk(factor)]
    through_variables = {views[part.id] for part in parts if isinstance(part, ast.Name) and part.id in views}
    return frozenset(filter(None, map(_attribute, parts))) | (through_variables - {""})


def _viewed(expression: ast.expr) -> str:
    """The attribute of self that an expression is a view of, as in `self.gamma.view(1, -1, 1, 1)`; else empty."""
    while not _attribute(expression):
        match expression:
            case ast.Call(func=inner) | ast.Attribute(value=inner) | ast.Subscript(value=inner):
                expression = inner
            case _:
                return ""
    return _attribute(expression)


def _attribute(node: ast.AST) -> str:
    """The name of an attribute of self; empty for anything else."""
    match node:
        case ast.Attribute(value=ast.Name(id="self"), attr=name):
            return name
        case _:
            return ""
