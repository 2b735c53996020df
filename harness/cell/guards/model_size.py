"""Bounds for a model that a folder describes: a few bytes of configuration may ask for more than any machine has."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Final

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

SECONDS: Final = 4
"""The most that a model may take to be laid out, without memory for its values: timm's slowest takes 0.7."""
AGAIN: Final = 0.5
"""Seconds after which it is stopped once more."""
SEVERAL: Final = 16
"""How many times its weights a model may have: of four bits each, float32 makes eight times as many."""
SPARE: Final = 2**28
"""Bytes that it may have besides, which its weights lack: a head, or a table of positions."""


class TooLarge(ValueError):
    """A model that is none for its weights; the message says why."""


class TooLong(BaseException):
    """A model took too long to be laid out; no constructor handles it."""


class _Linspace(TorchFunctionMode):
    """Has numbers that a constructor takes out of a tensor at once, as timm does the rates of its dropout."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call a function of torch, `linspace` on the CPU."""
        return func(*args, **{**(kwargs or {}), **({"device": "cpu"} if func is torch.linspace else {})})


def laid_out(build: Callable[[], nn.Module], weights: int) -> nn.Module | None:
    """The model that `build` makes, without memory for its values.

    None if its constructor needs values: then nothing is known of it. Raises TooLarge for a model that so many bytes of
    weights are not of.
    """
    try:
        with _in_time(), torch.device("meta"), _Linspace():
            model = build()
    except TooLong:
        raise TooLarge(f"describes a model that is not laid out within {SECONDS} s") from None
    except Exception:  # noqa: BLE001 - a constructor may raise anything, and says it where the model is made in earnest
        return None
    held = sum(tensor.numel() * tensor.element_size() for tensor in (*model.parameters(), *model.buffers()))
    if held > SEVERAL * weights + SPARE:
        raise TooLarge(f"describes a model of {held:,} bytes, and its weights have {weights:,}")
    return model


@contextlib.contextmanager
def _in_time() -> Iterator[None]:
    """Raise TooLong in what takes longer than SECONDS. Only the main thread hears signals.

    Again and again: Python ignores what is raised while it frees an object.
    """
    running = True

    def stop(_number: int, _frame: FrameType | None) -> None:
        if running:
            raise TooLong

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, SECONDS, AGAIN)
    try:
        yield
    finally:
        running = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
