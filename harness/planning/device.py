"""The devices of this machine, found without torch."""

import ctypes
import os
from collections.abc import Iterable, Sequence
from typing import Any, Final

from ..config.errors import BadInput
from ..contract import lane_name

GIB: Final = 2**30
NO_CUDA: Final = "no CUDA device"
GIB_A_WORKER: Final = 6  # a CUDA context takes half a GiB, and the largest slim models, native and loaded, five


def missing(device: str) -> str | None:
    """The reason why nothing can run on a device here; None if it can."""
    if device == "cuda" and cuda_devices() == 0:
        return NO_CUDA
    return None


def refuse_missing(lanes: Iterable[str]) -> None:
    """Raises BadInput if one of the named lanes cannot run here."""
    problems = [
        f"--lane {lane}: {why} on this machine; leave the option out to record it as not run"
        for lane in lanes
        if (why := missing(lane_name.device(lane)))
    ]
    if problems:
        raise BadInput.from_problems(problems)


def workers(gpus: Sequence[str], wanted: int | None) -> int:
    """The number of worker processes: `wanted`, or one per core, on GPUs at most one per entry of `gpus`."""
    cores = os.cpu_count() or 1
    return wanted or (min(cores, len(gpus)) if gpus else cores)


def gpu_slots(device: str, *, alone: bool = False) -> list[str]:
    """CUDA_VISIBLE_DEVICES of each worker that the GPUs can hold; empty for the CPU.

    Slots alternate between the GPUs. Each has as many as its memory holds, or one if a worker is to have it `alone`.
    """
    if device != "cuda":
        return []
    slots = [1 if alone else max(1, int(gib // GIB_A_WORKER)) for gib in cuda_gibs()]
    names = _cuda_names()[: len(slots)]
    return [
        name for turn in range(max(slots, default=0)) for name, count in zip(names, slots, strict=False) if turn < count
    ]


def _cuda_names() -> list[str]:
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    return [str(index) for index in range(cuda_devices())] if chosen is None else chosen.split(",")


def cuda_devices() -> int:
    """The number of GPUs that NVIDIA's driver reports; 0 without a driver."""
    driver = _driver()
    count = ctypes.c_int(0)
    if driver is None or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value


def cuda_gibs() -> list[float]:
    """The memory of each GPU in GiB; 0 if the driver does not report it."""
    return [_cuda_gib(index) for index in range(cuda_devices())]


def _cuda_gib(index: int) -> float:
    driver = _driver()
    gpu, size = ctypes.c_int(0), ctypes.c_size_t(0)
    if driver is None or driver.cuDeviceGet(ctypes.byref(gpu), index) != 0:
        return 0.0
    return size.value / GIB if driver.cuDeviceTotalMem_v2(ctypes.byref(size), gpu) == 0 else 0.0


def _driver() -> Any:
    """NVIDIA's driver; None if it is missing or fails to start."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    return driver if driver.cuInit(0) == 0 else None
