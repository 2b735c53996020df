"""What a case left changed for the whole process: torch's global settings, and functions that somebody replaced.

Put back at once, so that the next case's record is what it would have been without this one.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import timm
import torch
import transformers

Setting = tuple[Callable[[], Any], Callable[[Any], Any]]


def _deterministic() -> tuple[bool, bool]:
    return torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()


def _set_deterministic(how: tuple[bool, bool]) -> None:
    torch.use_deterministic_algorithms(how[0], warn_only=how[1])


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
"""Whose public functions are looked at."""


class Leaks:
    """The process as it is when this is made."""

    def __init__(self) -> None:
        self._settings = {name: get() for name, (get, _) in SETTINGS.items()}
        self._functions = {
            (owner, name): found
            for owner in PATCHABLE
            for name, found in vars(owner).items()
            if (callable(found) or isinstance(found, classmethod)) and not name.startswith("_")
        }

    def stop(self) -> list[str]:
        """Put back what has changed since, and say what that was."""
        found = []
        for name, (get, put) in SETTINGS.items():
            was, now = self._settings[name], get()
            if now != was:
                put(was)
                found.append(f"{name} was {was} and is {now}")
        for (owner, name), was in self._functions.items():
            if vars(owner).get(name) is not was:
                setattr(owner, name, was)
                found.append(f"{owner.__name__}.{name} is another function")
        return found
