"""What holds while a library loads a model."""

import contextlib
from collections.abc import Iterator

from ..guards import memory
from ..models.weights import nothing_without_values


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Poison memory, so that tensors that nothing sets show, and compute nothing where there are no values."""
    with memory.poisoned(), nothing_without_values():
        yield
