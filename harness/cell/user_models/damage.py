"""Damage in a checkpoint's files: names and values that were lost before it was saved.

A release that loses tensors on loading gives no warning. What is saved afterwards loads in every release and is wrong,
so only its contents show the loss.
"""

import difflib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from torch import Tensor, nn

from ..compare.diagnosis import equal
from ..models.layer_scales import layer_scales
from .key_renames import KNOWN, KeyRename

SHOWN: Final = 1
RESTORE: Final = "take the original checkpoint"

Default = Callable[[str], Tensor | None]


def describe(state: Mapping[str, Tensor], module: nn.Module, default: Default) -> Iterator[str]:
    """One sentence for each kind of damage, with its remedy.

    `state` holds the tensors of the files and `module` the expected ones, by the same names; `default` gives the
    constructor's tensors.
    """
    yield from _describe_renamed(state, list(module.state_dict()))
    scales = layer_scales(module)
    yield from _describe_lost(state, scales, module.state_dict())
    yield from _describe_constant(state, scales, default)
    if names := nonfinite(state, default):
        yield describe_nonfinite(names)


def renamed_keys(names: Sequence[str], expected: Sequence[str]) -> Mapping[str, tuple[str, KeyRename]]:
    """For each missing name the name that replaced it, and the known rename of transformers that did so."""
    present, unexpected = set(names), set(names) - set(expected)
    renamed: dict[str, tuple[str, KeyRename]] = {}
    for name in expected:
        if name in present:
            continue
        for rule in KNOWN:
            new = rule.pattern.sub(rule.into, name)
            if new in unexpected:
                renamed.setdefault(name, (new, rule))
    return renamed


def _describe_renamed(state: Mapping[str, Tensor], expected: Sequence[str]) -> Iterator[str]:
    renamed = renamed_keys(list(state), expected)
    for rule, count in Counter(rule for _, rule in renamed.values()).items():
        old, new = next((old, new) for old, (new, applied) in renamed.items() if applied is rule)
        yield (
            f"{count} name{'s are' if count > 1 else ' is'} rewritten as transformers {rule.releases} does: "
            f"{old} is {new} here; rename what should be {rule.pattern.pattern.strip('$')}, for the values are there"
        )


def _describe_lost(state: Mapping[str, Tensor], scales: Sequence[str], expected: Mapping[str, Tensor]) -> Iterator[str]:
    renamed = renamed_keys(list(state), scales)
    lost = [name for name in scales if name not in state and name not in renamed]
    if not lost:
        return
    shape = expected[lost[0]].shape
    alike = [name for name, tensor in state.items() if name not in expected and tensor.shape == shape]
    near = difflib.get_close_matches(lost[0], alike, n=1, cutoff=0)
    remedy = f"{near[0]} may be what it is called there; rename it" if near else RESTORE
    yield f"{len(lost)} of {len(scales)} LayerScales are not in the file, {_listed(lost)}; {remedy}"


def _describe_constant(state: Mapping[str, Tensor], scales: Sequence[str], default: Default) -> Iterator[str]:
    constant = [name for name in scales if name in state and _is_constant(state[name])]
    if not constant:
        return
    fresh = sum(_is_fresh(state[name], default(name)) for name in constant)
    values = sorted({f"{state[name].flatten()[0].item():.3g}" for name in constant})
    as_made = ", as they are made" if fresh == len(constant) else ""
    yield (
        f"{len(constant)} of {len(scales)} LayerScales hold one number throughout ({', '.join(values)}{as_made}), "
        f"{_listed(constant)}: never trained, or lost before this was saved; {RESTORE}"
    )


def nonfinite(state: Mapping[str, Tensor], default: Default) -> list[str]:
    """The names of tensors with an infinity or NaN, except those that the constructor makes so, such as masks."""
    names = [name for name, tensor in state.items() if tensor.is_floating_point() and not bool(tensor.isfinite().all())]
    return [name for name in names if not _is_fresh(state[name], default(name))]


def describe_nonfinite(names: Sequence[str]) -> str:
    """The sentence for tensors of these names that are not finite."""
    number = f"{len(names)} tensor{'s hold' if len(names) > 1 else ' holds'}"
    return f"{number} values that are not finite, {_listed(names)}; {RESTORE}"


def _is_constant(tensor: Tensor) -> bool:
    return tensor.numel() > 1 and bool((tensor == tensor.flatten()[0]).all())


def _is_fresh(tensor: Tensor, default: Tensor | None) -> bool:
    return default is not None and default.shape == tensor.shape and equal(tensor.to(default.dtype), default)


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:SHOWN])}{', ...' if len(names) > SHOWN else ''}"
