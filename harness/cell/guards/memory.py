"""What memory holds and takes: uninitialised memory made visible, and the peak of one case."""

import contextlib
import ctypes
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import torch

STATUS: Final = Path("/proc/self/status")
CLEAR: Final = Path("/proc/self/clear_refs")
PEAK: Final = "5"  # what clear_refs takes to start the peak again
KIB_A_MIB: Final = 1024
MIB: Final = 2**20


@contextlib.contextmanager
def poisoned() -> Iterator[None]:
    """Fill uninitialised memory: NaN for floats, the largest integer for the rest.

    Without it that memory is often zero, and a buffer that nobody set is caught one run in three.
    """
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    filled = torch.utils.deterministic.fill_uninitialized_memory
    torch.use_deterministic_algorithms(mode=True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = True
    try:
        yield
    finally:
        # Only what is still as it was set here: what a library left otherwise is not ours to hide.
        if torch.are_deterministic_algorithms_enabled() and torch.is_deterministic_algorithms_warn_only_enabled():
            torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        if torch.utils.deterministic.fill_uninitialized_memory:
            torch.utils.deterministic.fill_uninitialized_memory = filled


def give_back() -> None:
    """Let the C library hand what has been freed to the system, where it can."""
    with contextlib.suppress(OSError, AttributeError):  # another C library than glibc
        ctypes.CDLL(None).malloc_trim(0)


def restart_peak() -> None:
    """Start the peaks of resident memory and of the GPU's again, where the system can."""
    if torch.cuda.is_initialized():
        torch.cuda.reset_peak_memory_stats()
    with contextlib.suppress(OSError):
        CLEAR.write_text(PEAK)


def gpu_peak_mb() -> float | None:
    """Peak memory in MiB of tensors on the GPU since it was restarted; None where no GPU is used."""
    if not torch.cuda.is_initialized():
        return None
    peak: float = torch.cuda.max_memory_allocated() / MIB
    return round(peak, 1)


def peak_mb() -> float:
    """Peak resident memory in MiB since it was restarted, or of the process where the system cannot restart it."""
    with contextlib.suppress(OSError):
        for line in STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) / KIB_A_MIB, 1)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_A_MIB, 1)
