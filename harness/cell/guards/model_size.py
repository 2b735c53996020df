"""Bounds for a model that a folder describes: a few bytes of configuration may ask for more than any machine has."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Final

import torch
from torch import nn

SECONDS: Final = 20
"""The most that a model may take to be laid out, without memory for its values."""
SEVERAL: Final = 16
"""How many times its weights a model may have: of four bits each, float32 makes eight times as many."""
SPARE: Final = 2**28
"""Bytes that it may have besides, which its weights lack: a head, or a table of positions."""


class TooLong(BaseException):
    """A model took too long to be laid out; no constructor handles it."""


def problem(build: Callable[[], nn.Module], weights: int) -> str | None:
    """Why the model that `build` makes is none for so many bytes of weights; None if nothing speaks against it.

    A constructor that needs the values of its tensors cannot be laid out without them, and is not judged.
    """
    try:
        with _in_time():
            model = laid_out(build)
    except TooLong:
        return f"describes a model that is not laid out within {SECONDS} s"
    if model is None:
        return None
    held = sum(tensor.numel() * tensor.element_size() for tensor in (*model.parameters(), *model.buffers()))
    if held > SEVERAL * weights + SPARE:
        return f"describes a model of {held:,} bytes, and its weights have {weights:,}"
    return None


def laid_out(build: Callable[[], nn.Module]) -> nn.Module | None:
    """The model without memory for its values; None if that cannot be made."""
    try:
        with torch.device("meta"):
            return build()
    except Exception:  # noqa: BLE001 - a constructor may raise anything, and says it where the model is made in earnest
        return None


@contextlib.contextmanager
def _in_time() -> Iterator[None]:
    """Raise TooLong in what takes longer than SECONDS. Only the main thread hears signals."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise TooLong

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
