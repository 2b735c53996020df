"""What is wrong with a checkpoint's file itself, whoever loads it: names and values that were lost before it was saved.

A release that loses tensors on loading says nothing, and what is saved afterwards is whole and wrong: it loads, it
comes back as it is in every release, and only what is in it tells.
"""

import difflib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from torch import Tensor, nn

from ..compare.diagnosis import equal
from ..models.layer_scales import layer_scales
from .key_renames import KNOWN, Rewriting

SHOWN: Final = 1
RESTORE: Final = "take the original checkpoint"

Default = Callable[[str], Tensor | None]


def told(state: Mapping[str, Tensor], module: nn.Module, default: Default) -> Iterator[str]:
    """What is damaged, with what to do; nothing where nothing is.

    `state` is what the file holds and `module` what should, by the same names; `default` gives what a constructor does.
    """
    yield from _rewritten(state, list(module.state_dict()))
    scales = layer_scales(module)
    yield from _lost(state, scales, module.state_dict())
    yield from _constant(state, scales, default)
    if found := nonfinite(state, default):
        yield not_finite(found)


def rewritten(names: Sequence[str], expected: Sequence[str]) -> Mapping[str, tuple[str, Rewriting]]:
    """Names that are expected and not there, by what a known release of transformers made of each, which is there."""
    there, unexpected = set(names), set(names) - set(expected)
    found: dict[str, tuple[str, Rewriting]] = {}
    for name in expected:
        if name in there:
            continue
        for rule in KNOWN:
            new = rule.pattern.sub(rule.into, name)
            if new in unexpected:
                found.setdefault(name, (new, rule))
    return found


def _rewritten(state: Mapping[str, Tensor], expected: Sequence[str]) -> Iterator[str]:
    found = rewritten(list(state), expected)
    for rule, count in Counter(rule for _, rule in found.values()).items():
        old, new = next((old, new) for old, (new, its) in found.items() if its is rule)
        yield (
            f"{count} name{'s are' if count > 1 else ' is'} rewritten as transformers {rule.releases} does: "
            f"{old} is {new} here; rename what should be {rule.pattern.pattern.strip('$')}, for the values are there"
        )


def _lost(state: Mapping[str, Tensor], scales: Sequence[str], expected: Mapping[str, Tensor]) -> Iterator[str]:
    there = rewritten(list(state), scales)
    lost = [name for name in scales if name not in state and name not in there]
    if not lost:
        return
    shape = expected[lost[0]].shape
    alike = [name for name, one in state.items() if name not in expected and one.shape == shape]
    near = difflib.get_close_matches(lost[0], alike, n=1, cutoff=0)
    remedy = f"{near[0]} may be what it is called there; rename it" if near else RESTORE
    yield f"{len(lost)} of {len(scales)} LayerScales are not in the file, {_listed(lost)}; {remedy}"


def _constant(state: Mapping[str, Tensor], scales: Sequence[str], default: Default) -> Iterator[str]:
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
    """The names of tensors with an infinity, or with what is no number; not of those that are made so, as masks are."""
    found = [name for name, one in state.items() if one.is_floating_point() and not bool(one.isfinite().all())]
    return [name for name in found if not _is_fresh(state[name], default(name))]


def not_finite(names: Sequence[str]) -> str:
    """The same in words."""
    number = f"{len(names)} tensor{'s hold' if len(names) > 1 else ' holds'}"
    return f"{number} values that are not finite, {_listed(names)}; {RESTORE}"


def _is_constant(tensor: Tensor) -> bool:
    return tensor.numel() > 1 and bool((tensor == tensor.flatten()[0]).all())


def _is_fresh(tensor: Tensor, made: Tensor | None) -> bool:
    return made is not None and made.shape == tensor.shape and equal(tensor.to(made.dtype), made)


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:SHOWN])}{', ...' if len(names) > SHOWN else ''}"
