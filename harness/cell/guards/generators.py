"""Keeps the random generators from what a library seeds on purpose, as a Trainer does when it begins."""

import contextlib
import random
from collections.abc import Iterator, Sequence

import numpy as np
import torch


@contextlib.contextmanager
def kept(devices: Sequence[int] = ()) -> Iterator[None]:
    """Give the generators of Python, numpy and torch, on the CPU and these GPUs, the state back that they have now."""
    own, numpys = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(list(devices)):
            yield
    finally:
        random.setstate(own)
        np.random.set_state(numpys)
