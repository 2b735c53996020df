"""Finds what a scenario changed for the whole process: settings, seeds, and replaced functions of a library.

The changes are undone at once, so that the next case's record does not depend on them.
"""

import functools
import random
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

import numpy as np
import timm
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


SETTINGS: Final[Mapping[str, Setting]] = {
    "default dtype": (torch.get_default_dtype, torch.set_default_dtype),
    "default device": (torch.get_default_device, _set_device),
    "grad mode": (torch.is_grad_enabled, torch.set_grad_enabled),
    "deterministic algorithms": (_deterministic, _set_deterministic),
    "filling of uninitialised memory": (_fills, _set_fills),
    "number of threads": (torch.get_num_threads, torch.set_num_threads),
    "float32 matmul precision": (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
}
PATCHABLE: Final = (torch, torch.nn.init, torch.nn.functional, torch.nn.Module, timm, transformers.PreTrainedModel)
"""Modules and classes whose public functions are watched."""


class Leaks:
    """A snapshot of settings, seeds and functions, taken when it is made."""

    def __init__(self) -> None:
        self._settings = {name: get() for name, (get, _) in SETTINGS.items()}
        self._filters = _filters()
        self._torch = torch.initial_seed(), torch.get_rng_state()
        self._numpy = _numpy(), np.random.get_state()
        self._random = random.getstate()
        self._functions = {
            (owner, name): function
            for owner in PATCHABLE
            for name, function in vars(owner).items()
            if (callable(function) or isinstance(function, classmethod)) and not name.startswith("_")
        }

    def undo(self) -> list[Leak]:
        """Undo all changes since the snapshot, and describe each of them."""
        changes = list(self._changes())
        for _, put_back in changes:
            put_back()
        return [leak for leak, _ in changes]

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
        if (now := _filters()) != self._filters:
            yield self._warnings(now), functools.partial(_set_filters, self._filters)
        for (owner, name), function in self._functions.items():
            if vars(owner).get(name) is not function:
                undo = functools.partial(setattr, owner, name, function)
                yield Leak(f"{owner.__name__}.{name}", "is another function"), undo

    def _generators(self) -> Iterator[tuple[Leak, Callable[[], Any]]]:
        """Global generators of random numbers that were seeded."""
        seed, state = self._torch
        if torch.initial_seed() != seed:
            seeded = Leak("torch's generator", f"was seeded with {torch.initial_seed()}")
            yield seeded, functools.partial(torch.set_rng_state, state)
        if _numpy() != self._numpy[0]:
            drawn = Leak("numpy's generator", "was seeded or drawn from")
            yield drawn, functools.partial(np.random.set_state, self._numpy[1])
        if random.getstate() != self._random:
            drawn = Leak("Python's generator", "was seeded or drawn from")
            yield drawn, functools.partial(random.setstate, self._random)

    def _warnings(self, now: Sequence[Any]) -> Leak:
        known = {(action, category) for action, _, category, *_ in self._filters}
        added = [f"{action} {category.__name__}" for action, _, category, *_ in now if (action, category) not in known]
        return Leak("Python's warnings filters", f"have changed: {', '.join(added) or 'some are gone'}")
