"""Models whose code ends, doubles or silences the process that loads them: `tests.own.deadly:PLACE_DEED`.

The place is `constructor`, `second` (the constructor, once the model was made), `forward`, `third` (its third call and
later ones) or `naming` (the module's attribute is asked for); or `sound` for a model that does its deed and is sound.
"""

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn

WIDTH: Final = 4
COUNTS: Final = {"constructor": 0, "forward": 0}


class Panic(BaseException):
    """As a library in Rust panics."""


def _panics() -> None:
    raise Panic("index out of bounds")


def _interrupts() -> None:
    raise KeyboardInterrupt


def _forks() -> None:
    """The copy goes on."""
    os.fork()


def _leaves() -> None:
    """The copy goes on, and the process that was started ends."""
    if os.fork():
        os._exit(0)


def _keeps() -> None:
    """A thread that never ends, and is no daemon."""
    threading.Thread(target=time.sleep, args=(1000,)).start()


def _closes() -> None:
    sys.stdout.close()
    os.close(1)


def _redirects() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - as a module does that never closes it


DEEDS: Final[Mapping[str, Callable[[], Any]]] = {
    "exits": lambda: sys.exit(0),
    "quits": exit,
    "ends": lambda: os._exit(0),
    "dies": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "interrupts": _interrupts,
    "panics": _panics,
    "forks": _forks,
    "leaves": _leaves,
    "keeps": _keeps,
    "closes": _closes,
    "closes_all": lambda: os.closerange(0, 1024),
    "redirects": _redirects,
    "ends_at_exit": lambda: atexit.register(os._exit, 0),
    "fails_at_exit": lambda: atexit.register(os._exit, 5),
}


class Deadly(nn.Module):
    """Does its deed."""

    def __init__(self, place: str, deed: Callable[[], Any]) -> None:
        super().__init__()
        self.mix = nn.Linear(WIDTH, WIDTH)
        self.place, self.deed = place, deed
        COUNTS["constructor"] += 1
        if place == "constructor" or (place == "second" and COUNTS["constructor"] > 1):
            deed()

    def forward(self, x: Tensor) -> Tensor:
        """Of shape (batch, WIDTH)."""
        COUNTS["forward"] += 1
        if self.place == "forward" or (self.place == "third" and COUNTS["forward"] > 2):
            self.deed()
        return self.mix(x)


def __getattr__(name: str) -> Callable[[], tuple[nn.Module, Tensor]]:
    place, _, named = name.partition("_")
    if named not in DEEDS:
        raise AttributeError(name)
    if place in {"naming", "sound"}:
        DEEDS[named]()
    return lambda: (Deadly(place, DEEDS[named]), torch.ones(1, WIDTH))
