"""Finds what a scenario changed for the whole process: global settings of torch, and replaced functions of a library.

The changes are undone at once, so that the next case's record does not depend on them.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import timm
import torch
import transformers

Setting = tuple[Callable[[], Any], Callable[[Any], Any]]


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


SETTINGS: Final[Mapping[str, Setting]] = {
    "default dtype": (torch.get_default_dtype, torch.set_default_dtype),
    "default device": (torch.get_default_device, _set_device),
    "grad mode": (torch.is_grad_enabled, torch.set_grad_enabled),
    "deterministic algorithms": (_deterministic, _set_deterministic),
    "filling of uninitialised memory": (_fills, _set_fills),
    "number of threads": (torch.get_num_threads, torch.set_num_threads),
}
PATCHABLE: Final = (torch, torch.nn.init, torch.nn.functional, torch.nn.Module, timm, transformers.PreTrainedModel)
"""Modules and classes whose public functions are watched."""


class Leaks:
    """A snapshot of settings and functions, taken when it is made."""

    def __init__(self) -> None:
        self._settings = {name: get() for name, (get, _) in SETTINGS.items()}
        self._functions = {
            (owner, name): function
            for owner in PATCHABLE
            for name, function in vars(owner).items()
            if (callable(function) or isinstance(function, classmethod)) and not name.startswith("_")
        }

    def undo(self) -> list[str]:
        """Undo all changes since the snapshot, and describe each of them."""
        changes = []
        for name, (get, put) in SETTINGS.items():
            before, now = self._settings[name], get()
            if now != before:
                put(before)
                changes.append(f"{name} was {before} and is {now}")
        for (owner, name), function in self._functions.items():
            if vars(owner).get(name) is not function:
                setattr(owner, name, function)
                changes.append(f"{owner.__name__}.{name} is another function")
        return changes
