"""Makes uninitialised memory visible, and measures the peak memory of one case."""

import contextlib
import ctypes
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import torch

STATUS: Final = Path("/proc/self/status")
CLEAR: Final = Path("/proc/self/clear_refs")
RESET_PEAK: Final = "5"  # written to clear_refs, this restarts the peak
KIB_A_MIB: Final = 1024
MIB: Final = 2**20


@contextlib.contextmanager
def poisoned() -> Iterator[None]:
    """Fill uninitialised memory: NaN for floats, the largest integer for the rest.

    Otherwise that memory is often zero, and a buffer that is never set is caught in one run of three.
    """
    modes = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    fills = torch.utils.deterministic.fill_uninitialized_memory
    torch.use_deterministic_algorithms(mode=True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = True
    try:
        yield
    finally:
        # A setting that a library changed meanwhile is left as it is, so that leaks.py finds it.
        if torch.are_deterministic_algorithms_enabled() and torch.is_deterministic_algorithms_warn_only_enabled():
            torch.use_deterministic_algorithms(modes[0], warn_only=modes[1])
        if torch.utils.deterministic.fill_uninitialized_memory:
            torch.utils.deterministic.fill_uninitialized_memory = fills


def return_freed() -> None:
    """Return freed memory to the system, if the C library can."""
    with contextlib.suppress(OSError, AttributeError):  # a C library other than glibc
        ctypes.CDLL(None).malloc_trim(0)


def restart_peak() -> None:
    """Restart the peaks of resident and of GPU memory, if the system can."""
    if torch.cuda.is_initialized():
        torch.cuda.reset_peak_memory_stats()
    with contextlib.suppress(OSError):
        CLEAR.write_text(RESET_PEAK)


def gpu_peak_mb() -> float | None:
    """Peak memory of tensors on the GPU since the restart, in MiB; None if no GPU is used."""
    if not torch.cuda.is_initialized():
        return None
    peak: float = torch.cuda.max_memory_allocated() / MIB
    return round(peak, 1)


def peak_mb() -> float:
    """Peak resident memory since the restart, in MiB; since the process began if the system cannot restart it."""
    with contextlib.suppress(OSError):
        for line in STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) / KIB_A_MIB, 1)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_A_MIB, 1)
