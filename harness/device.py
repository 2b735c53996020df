"""Which devices this machine has, found without torch."""

import ctypes
from collections.abc import Iterable

from harness.errors import BadInput


def missing(device: str) -> str | None:
    """Why nothing can run on the device here; None where it can."""
    if device == "cuda" and cuda_devices() == 0:
        return "no CUDA device"
    return None


def refuse_missing(lanes: Iterable[str]) -> None:
    """Raises BadInput where a lane that was asked for cannot run here."""
    problems = [
        f"--lane {lane}: {why} on this machine; leave the option out to record it as not run"
        for lane in lanes
        if (why := missing(lane.partition("-")[0]))
    ]
    if problems:
        raise BadInput.from_problems(problems)


def cuda_devices() -> int:
    """How many GPUs NVIDIA's driver offers; 0 where there is no driver."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int(0)
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value
