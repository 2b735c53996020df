"""What a model is besides the values of its tensors: modes, gradients, layout, ties, settings of its modules."""

import itertools
import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from ...contract.case import Outcome
from ...contract.finding import Finding
from ..models.placement import tensors_of
from .typed import pattern

PLAIN: Final = (bool, int, float, str, type(None))
OF_A_RUN: Final = frozenset({"training", "name_or_path"})
"""Attributes that say where a model came from, or are looked at apart."""
OF_TENSORS: Final = {
    "frozen": ("requires no gradient, and must", "requires a gradient, and must not"),
    "strided": ("is not contiguous, and must be", "is contiguous, and must not be"),
    "buffers": ("is a buffer, and must be a parameter", "is a parameter, and must be a buffer"),
    "parts": ("is a part of a larger memory, and must not be", ""),  # as native weights that are mapped from a file
    "graded": ("has a gradient already, and must have none", "has no gradient, and must have one"),
}
"""By what a tensor may be: what is wrong if it is, and if it is not."""

Tie = frozenset[str]


@dataclass(frozen=True)
class Flags:
    """What a model was when it was looked at, by the names of modules and tensors.

    `names` are those of all tensors, `training` the modules in training mode, `frozen` the parameters that require no
    gradient, `strided` the tensors that are not contiguous, `buffers` those that are no parameters, `parts` the
    parameters whose memory is larger than they are, `graded` those that have a gradient, `ties` the names of one and
    the same memory. `set_to` has each module's class and plain attributes; `eps` is the relative precision in which
    numbers among these may have been computed, that of the coarsest tensor.
    """

    names: frozenset[str]
    training: frozenset[str]
    frozen: frozenset[str]
    strided: frozenset[str]
    buffers: frozenset[str]
    parts: frozenset[str]
    graded: frozenset[str]
    ties: frozenset[Tie]
    set_to: Mapping[str, Mapping[str, Any]]
    eps: float

    @classmethod
    def of(cls, model: nn.Module) -> "Flags":
        """Look at a model without calling anything on it that could change it."""
        tensors, modules = tensors_of(model), dict(model.named_modules(remove_duplicate=False))
        return cls(
            frozenset(tensors),
            frozenset(name for name, module in modules.items() if module.training),
            frozenset(name for name, tensor in tensors.items() if _is_frozen(tensor)),
            frozenset(name for name, tensor in tensors.items() if not tensor.is_contiguous()),
            frozenset(name for name, tensor in tensors.items() if not isinstance(tensor, nn.Parameter)),
            frozenset(name for name, tensor in tensors.items() if _is_part(tensor)),
            frozenset(name for name, tensor in tensors.items() if tensor.is_leaf and tensor.grad is not None),
            frozenset(_ties(tensors)),
            {name: _set_to(module) for name, module in modules.items()},
            _precision(tensors.values()),
        )

    def below(self, prefix: str) -> "Flags":
        """Those of the module below `prefix`, with the names that they have there."""

        def inside(names: Iterable[str]) -> frozenset[str]:
            return frozenset(_without(name, prefix) for name in names if _in(name, prefix))

        ties = map(inside, self.ties)
        return Flags(
            inside(self.names),
            inside(self.training),
            inside(self.frozen),
            inside(self.strided),
            inside(self.buffers),
            inside(self.parts),
            inside(self.graded),
            frozenset(tie for tie in ties if len(tie) > 1),
            {_without(name, prefix): at for name, at in self.set_to.items() if _in(name, prefix)},
            self.eps,
        )

    def around(self, prefix: str) -> "Flags":
        """Those of everything outside the module below `prefix`."""

        def outside(names: Iterable[str]) -> frozenset[str]:
            return frozenset(name for name in names if not _in(name, prefix))

        return Flags(
            outside(self.names),
            outside(self.training),
            outside(self.frozen),
            outside(self.strided),
            outside(self.buffers),
            outside(self.parts),
            outside(self.graded),
            frozenset(tie for tie in self.ties if outside(tie)),
            {name: at for name, at in self.set_to.items() if not _in(name, prefix)},
            self.eps,
        )


def compare_flags(
    where: str, expected: Flags, actual: Flags, *, training: bool, leaving: Collection[str] = ()
) -> list[Finding]:
    """What is otherwise than expected; `training` says in which mode every module must be.

    `leaving` are names of tensors that are not compared; nor are the modules that hold them.
    """
    left_out = frozenset(leaving)
    owners = frozenset(name.rpartition(".")[0] for name in left_out)
    every, both = frozenset(actual.set_to), (expected.names & actual.names) - left_out
    wrong = sorted((every - actual.training if training else actual.training) - owners)
    mode = ("is in evaluation mode", "is in training mode")
    found = [_finding(where, name or "the model", mode[not training], name) for name in _topmost(wrong)]
    for kind, (is_so, is_not) in OF_TENSORS.items():
        now, then = getattr(actual, kind) & both, getattr(expected, kind) & both
        found += [_finding(where, name, is_so, name) for name in sorted(now - then)]
        found += [_finding(where, name, is_not, name) for name in sorted(then - now) if is_not]
    lost, made = expected.ties - actual.ties, actual.ties - expected.ties
    for ties, how in ((lost, "no longer share their memory"), (made, "share their memory, and must not")):
        found += [
            _finding(where, " and ".join(sorted({pattern(name) for name in tie})), how, " and ".join(sorted(tie)))
            for tie in sorted(ties, key=sorted)
            if not tie & left_out
        ]
    for name, settings in expected.set_to.items():
        if name not in owners and name in actual.set_to:
            found += _settings(where, name, settings, actual.set_to[name], actual.eps)
    return found


def _settings(
    where: str, name: str, expected: Mapping[str, Any], actual: Mapping[str, Any], eps: float
) -> Iterator[Finding]:
    """The attributes of one module that are otherwise."""
    for attribute, value in expected.items():
        now = actual.get(attribute)
        if attribute not in actual or not _same(value, now, eps):
            at = f"{name}.{attribute}" if name else attribute
            is_set = f"is {now!r}" if attribute in actual else "is not set"
            yield _finding(where, at, f"{is_set}, not {value!r}", at)


def _same(value: Any, now: Any, eps: float) -> bool:
    """Whether two plain values are equal; numbers, which a module may have computed in its dtype, up to `eps`."""
    if isinstance(value, float) and isinstance(now, float):
        return math.isclose(value, now, rel_tol=eps) or (math.isnan(value) and math.isnan(now))
    return bool(value == now)


def _precision(tensors: Iterable[Tensor]) -> float:
    return max((torch.finfo(tensor.dtype).eps for tensor in tensors if tensor.is_floating_point()), default=0.0)


def _finding(where: str, what: str, how: str, example: str) -> Finding:
    return Finding(Outcome.FLAGS, where, pattern(what), how, example=example)


def _topmost(names: Iterable[str]) -> Iterator[str]:
    """The names that are inside no other; the names are sorted."""
    last: str | None = None
    for name in names:
        if last is None or not _in(name, last):
            last = name
            yield name


def _in(name: str, prefix: str) -> bool:
    """Whether a name is that of a prefix, or of something below it."""
    return not prefix or name == prefix or name.startswith(f"{prefix}.")


def _without(name: str, prefix: str) -> str:
    """A name below a prefix without it; empty for the prefix itself."""
    return name.removeprefix(prefix).removeprefix(".")


def _is_frozen(tensor: Tensor) -> bool:
    return isinstance(tensor, nn.Parameter) and tensor.is_floating_point() and not tensor.requires_grad


def _is_part(tensor: Tensor) -> bool:
    return isinstance(tensor, nn.Parameter) and tensor.untyped_storage().nbytes() > tensor.nbytes


def _ties(tensors: Mapping[str, Tensor]) -> Iterator[Tie]:
    """The names that lead to one memory; memory that is on no device, or empty, is nobody's."""
    here = ((name, tensor) for name, tensor in tensors.items() if not tensor.is_meta and tensor.numel())
    for _, group in itertools.groupby(sorted((tensor.data_ptr(), name) for name, tensor in here), lambda item: item[0]):
        names = frozenset(name for _, name in group)
        if len(names) > 1:
            yield names


def _set_to(module: nn.Module) -> dict[str, Any]:
    """The class of a module and its public attributes of a plain type; its mode is looked at apart."""
    plain = {
        name: value
        for name, value in vars(module).items()
        if type(value) in PLAIN and not name.startswith("_") and name not in OF_A_RUN
    }
    return {"class": type(module).__qualname__, **plain}
