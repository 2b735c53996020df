"""Which devices this machine has, found without torch."""

import ctypes


def missing(device: str) -> str | None:
    """Why nothing can run on the device here; None where it can."""
    if device == "cuda" and cuda_devices() == 0:
        return "no CUDA device"
    return None


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
