"""Which devices this machine has, found without torch."""

import ctypes
import os
from collections.abc import Iterable
from typing import Any, Final

from harness.errors import BadInput

GIB: Final = 2**30
GIB_A_WORKER: Final = 4  # a CUDA context takes half a GiB, and the largest slim models, native and loaded, three


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


def workers(device: str, asked: int | None) -> int:
    """How many processes at a time: as many as are asked for, or a core; on a GPU no more than its memory holds."""
    cores = os.cpu_count() or 1
    if asked is not None or device != "cuda":
        return asked or cores
    return max(1, min(cores, int(cuda_gib() // GIB_A_WORKER)))


def cuda_devices() -> int:
    """How many GPUs NVIDIA's driver offers; 0 where there is no driver."""
    driver = _driver()
    count = ctypes.c_int(0)
    if driver is None or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value


def cuda_gib() -> float:
    """The memory of the first GPU, which is the one that is used; 0 where the driver does not tell."""
    driver = _driver()
    gpu, size = ctypes.c_int(0), ctypes.c_size_t(0)
    if driver is None or driver.cuDeviceGet(ctypes.byref(gpu), 0) != 0:
        return 0.0
    return size.value / GIB if driver.cuDeviceTotalMem_v2(ctypes.byref(size), gpu) == 0 else 0.0


def _driver() -> Any:
    """NVIDIA's driver; None where there is none, or it does not start."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    return driver if driver.cuInit(0) == 0 else None
