"""Which devices this machine has, found without torch."""

import ctypes
import os
from collections.abc import Iterable, Sequence
from typing import Any, Final

from ..config.errors import BadInput

GIB: Final = 2**30
NO_CUDA: Final = "no CUDA device"
GIB_A_WORKER: Final = 6  # a CUDA context takes half a GiB, and the largest slim models, native and loaded, five


def missing(device: str) -> str | None:
    """Why nothing can run on the device here; None where it can."""
    if device == "cuda" and cuda_devices() == 0:
        return NO_CUDA
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


def workers(places: Sequence[str], asked: int | None) -> int:
    """How many processes at a time: as many as are asked for, or a core; on GPUs no more than there are places."""
    cores = os.cpu_count() or 1
    return asked or (min(cores, len(places)) if places else cores)


def places(device: str, *, alone: bool = False) -> list[str]:
    """For each worker on GPUs the one that it shall see, as CUDA_VISIBLE_DEVICES names it; none for the CPU.

    As many on a GPU as its memory holds, one where a worker is to have it `alone`; of all GPUs in turn.
    """
    if device != "cuda":
        return []
    rooms = [1 if alone else max(1, int(gib // GIB_A_WORKER)) for gib in cuda_gibs()]
    names = _cuda_names()[: len(rooms)]
    return [
        name for turn in range(max(rooms, default=0)) for name, room in zip(names, rooms, strict=False) if turn < room
    ]


def _cuda_names() -> list[str]:
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    return [str(at) for at in range(cuda_devices())] if chosen is None else chosen.split(",")


def cuda_devices() -> int:
    """How many GPUs NVIDIA's driver offers; 0 where there is no driver."""
    driver = _driver()
    count = ctypes.c_int(0)
    if driver is None or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value


def cuda_gibs() -> list[float]:
    """The memory of each GPU; 0 where the driver does not tell."""
    return [_cuda_gib(at) for at in range(cuda_devices())]


def _cuda_gib(at: int) -> float:
    driver = _driver()
    gpu, size = ctypes.c_int(0), ctypes.c_size_t(0)
    if driver is None or driver.cuDeviceGet(ctypes.byref(gpu), at) != 0:
        return 0.0
    return size.value / GIB if driver.cuDeviceTotalMem_v2(ctypes.byref(size), gpu) == 0 else 0.0


def _driver() -> Any:
    """NVIDIA's driver; None where there is none, or it does not start."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    return driver if driver.cuInit(0) == 0 else None
