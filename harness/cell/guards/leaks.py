"""Finds what a scenario changed for the whole process: settings, seeds, and replaced functions of a library.

The changes are undone at once, so that the next case's record does not depend on them.
"""

import functools
import itertools
import logging
import operator
import os
import random
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

import numpy as np
import timm
import timm.layers
import torch
import transformers

Setting = tuple[Callable[[], Any], Callable[[Any], Any]]


class Leak(NamedTuple):
    """What was changed, and how."""

    what: str
    how: str


def _deterministic() -> tuple[bool, bool]:
    return torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()


def _set_deterministic(modes: tuple[bool, bool]) -> None:
    torch.use_deterministic_algorithms(modes[0], warn_only=modes[1])


def _fills() -> bool:
    return bool(torch.utils.deterministic.fill_uninitialized_memory)


def _set_fills(fills: bool) -> None:  # noqa: FBT001  a setting's value
    torch.utils.deterministic.fill_uninitialized_memory = fills


def _set_device(device: Any) -> None:
    torch.set_default_device(None if device.type == "cpu" else device)


def _filters() -> list[Any]:
    return list(warnings.filters)


def _set_filters(filters: list[Any]) -> None:
    cast("list[Any]", warnings.filters)[:] = filters


def _numpy() -> tuple[bytes, int]:
    """The state of numpy's global generator, which loading has no reason to draw from."""
    _, keys, position, *_ = np.random.get_state()
    return keys.tobytes(), position


def _cudnn() -> tuple[bool, ...]:
    cudnn = torch.backends.cudnn
    return cudnn.enabled, cudnn.benchmark, cudnn.deterministic


def _set_cudnn(flags: tuple[bool, ...]) -> None:
    cudnn = torch.backends.cudnn
    cudnn.enabled, cudnn.benchmark, cudnn.deterministic = flags


def _matmul() -> str:
    try:
        return str(torch.get_float32_matmul_precision())
    except RuntimeError:  # set by one of torch's two interfaces, it cannot be read by the other
        return MIXED


def _set_matmul(precision: str) -> None:
    if precision != MIXED:
        torch.backends.cuda.matmul.fp32_precision = "none"
        torch.set_float32_matmul_precision(precision)


def _autocast() -> tuple[bool, ...]:
    return tuple(torch.is_autocast_enabled(device) for device in DEVICES)


def _set_autocast(enabled: tuple[bool, ...]) -> None:
    for device, on in zip(DEVICES, enabled, strict=True):
        torch.set_autocast_enabled(device, on)


def _fused() -> tuple[bool, bool]:
    return timm.layers.use_fused_attn(), timm.layers.use_fused_attn(experimental=True)


def _set_fused(on: tuple[bool, bool]) -> None:
    timm.layers.set_fused_attn(enable=on[0], experimental=on[1])


MIXED: Final = "set by torch's other interface"
DEVICES: Final = ("cpu", "cuda")
SETTINGS: Final[Mapping[str, Setting]] = {
    "default dtype": (torch.get_default_dtype, torch.set_default_dtype),
    "default device": (torch.get_default_device, _set_device),
    "grad mode": (torch.is_grad_enabled, torch.set_grad_enabled),
    "deterministic algorithms": (_deterministic, _set_deterministic),
    "filling of uninitialised memory": (_fills, _set_fills),
    "number of threads": (torch.get_num_threads, torch.set_num_threads),
    "float32 matmul precision": (_matmul, _set_matmul),
    "cuDNN's flags": (_cudnn, _set_cudnn),
    "autocast": (_autocast, _set_autocast),
    "detection of anomalies": (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    "timm's fused attention": (_fused, _set_fused),
    "transformers' verbosity": (transformers.logging.get_verbosity, transformers.logging.set_verbosity),
    "logging's threshold": (lambda: logging.root.manager.disable, logging.disable),
    "working folder": (os.getcwd, os.chdir),
}
_SEEDS: Final = itertools.count(2**40)
"""A seed for each snapshot, which no library sets: seeding with the seed there was would not show."""
PATCHABLE: Final = (torch, torch.nn.init, torch.nn.functional, torch.nn.Module, timm, transformers.PreTrainedModel)
"""Modules and classes whose public functions are watched."""


class Leaks:
    """A snapshot of settings, seeds and functions, taken when it is made. Until `undo` torch has a seed of its own."""

    def __init__(self) -> None:
        self._settings = {name: get() for name, (get, _) in SETTINGS.items()}
        self._filters = _filters()
        self._environment = dict(os.environ)
        self._torch = torch.get_rng_state()
        self._seed = next(_SEEDS)
        torch.default_generator.manual_seed(self._seed)
        self._numpy = _numpy(), np.random.get_state()
        self._random = random.getstate()
        self._functions = {owner: _functions(owner) for owner in PATCHABLE}

    def undo(self) -> list[Leak]:
        """Undo all changes since the snapshot, and describe each of them but what follows from one before it."""
        undone = []
        for leak, put_back in self._changes():
            put_back()
            undone.append(leak)
        torch.set_rng_state(self._torch)
        return undone

    def now(self) -> list[Leak]:
        """Describe all changes since the snapshot. What was drawn at random from torch is none."""
        return [leak for leak, _ in self._changes()]

    def _changes(self) -> Iterator[tuple[Leak, Callable[[], Any]]]:
        """Each change, and what undoes it."""
        for name, (get, put) in SETTINGS.items():
            before, now = self._settings[name], get()
            if now != before:
                yield Leak(name, f"was {before} and is {now}"), functools.partial(put, before)
        yield from self._generators()
        if variables := changed_variables(self._environment):
            changed = Leak("environment variables", f"have changed: {', '.join(sorted(variables))}")
            yield changed, functools.partial(self._restore, variables)
        if (now := _filters()) != self._filters:
            yield self._warnings(now), functools.partial(_set_filters, self._filters)
        for owner, functions in self._functions.items():
            yield from _patched(owner, functions)

    def _generators(self) -> Iterator[tuple[Leak, Callable[[], Any]]]:
        """Global generators of random numbers that were seeded."""
        if torch.initial_seed() != self._seed:
            yield Leak("torch's generator", "was seeded"), functools.partial(torch.set_rng_state, self._torch)
        if _numpy() != self._numpy[0]:
            drawn = Leak("numpy's generator", "was seeded or drawn from")
            yield drawn, functools.partial(np.random.set_state, self._numpy[1])
        if random.getstate() != self._random:
            drawn = Leak("Python's generator", "was seeded or drawn from")
            yield drawn, functools.partial(random.setstate, self._random)

    def _warnings(self, now: Sequence[Any]) -> Leak:
        more = [_in_words(entry) for entry in now if entry not in self._filters]
        fewer = [_in_words(entry) for entry in self._filters if entry not in now]
        order = [f"{_in_words(entry)} comes first" for entry in now[:1] if not more and not fewer]
        gone = [f"without {words}" for words in fewer]
        return Leak("Python's warnings filters", f"have changed: {', '.join(more or gone or order)}")

    def _restore(self, variables: Iterable[str]) -> None:
        for name in variables:
            os.environ.pop(name, None)
            if name in self._environment:
                os.environ[name] = self._environment[name]


def _functions(owner: Any) -> dict[str, Any]:
    """The public functions of a module or class by name."""
    return {
        name: function
        for name, function in vars(owner).items()
        if (callable(function) or isinstance(function, classmethod)) and not name.startswith("_")
    }


def _patched(owner: Any, functions: Mapping[str, Any]) -> Iterator[tuple[Leak, Callable[[], Any]]]:
    """The functions of an owner that are others now. Fast where none is: two thousand are compared in each phase."""
    there = vars(owner)
    if all(map(operator.is_, map(there.get, functions), functions.values())):
        return
    for name, function in functions.items():
        if there.get(name) is not function:
            undo = functools.partial(setattr, owner, name, function)
            yield Leak(f"{owner.__name__}.{name}", "is another function"), undo


def changed_variables(before: Mapping[str, str]) -> set[str]:
    """The names of the environment variables that were other before."""
    return {name for name, _ in before.items() ^ os.environ.items()}


def _in_words(entry: Sequence[Any]) -> str:
    """A filter of warnings: its action and its category."""
    action, _, category, *_ = entry
    return f"{action} {category.__name__}"
