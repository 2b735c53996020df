import ctypes
import os
from collections.abc import Callable
from typing import Any

import pytest

from harness.config.errors import BadInput
from harness.planning import device

NO_DEVICE = 100  # CUDA_ERROR_NO_DEVICE


class Driver:
    """Stands in for NVIDIA's driver; `codes` are what its two functions return, 0 being success."""

    def __init__(self, count: int, codes: tuple[int, int] = (0, 0), gib: int = 24) -> None:
        self.count = count
        self.gib = gib
        self.init, self.get_count = codes

    def cuInit(self, flags: int) -> int:  # noqa: N802 - the driver's own name
        assert flags == 0
        return self.init

    def cuDeviceGetCount(self, into: Any) -> int:  # noqa: N802 - the driver's own name
        into._obj.value = self.count
        return self.get_count

    def cuDeviceGet(self, into: Any, at: int) -> int:  # noqa: N802 - the driver's own name
        into._obj.value = at
        return self.get_count

    def cuDeviceTotalMem_v2(self, into: Any, gpu: Any) -> int:  # noqa: N802 - the driver's own name
        assert gpu.value < self.count
        into._obj.value = self.gib * 2**30
        return 0


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Callable[[Driver | None], None]:
    """Installs a driver; None for a machine without one."""

    def install(driver: Driver | None) -> None:
        def load(name: str) -> Driver:
            assert name == "libcuda.so.1"
            if driver is None:
                raise OSError(f"{name}: cannot open shared object file")
            return driver

        monkeypatch.setattr(ctypes, "CDLL", load)

    return install


@pytest.mark.parametrize("count", [1, 8])
def test_as_many_gpus_are_found_as_the_driver_offers(driver: Callable[[Driver | None], None], count: int) -> None:
    driver(Driver(count))
    assert device.cuda_devices() == count
    assert device.missing("cuda") is None


@pytest.mark.parametrize(
    "installed",
    [None, Driver(0), Driver(1, (NO_DEVICE, 0)), Driver(1, (0, NO_DEVICE))],
    ids=["no driver", "no GPU", "a driver that does not start", "a driver that cannot count"],
)
def test_without_a_gpu_that_can_be_used_cuda_is_missing(
    driver: Callable[[Driver | None], None], installed: Driver | None
) -> None:
    driver(installed)
    assert device.cuda_devices() == 0
    assert device.missing("cuda") == "no CUDA device"


def test_the_cpu_is_never_missing(gpus: Callable[[int], None]) -> None:
    gpus(0)
    assert device.missing("cpu") is None
    gpus(1)
    assert device.missing("cpu") is None


def test_this_machine_can_be_asked() -> None:
    assert (device.missing("cuda") is None) == (device.cuda_devices() > 0)


PLACES = [
    (Driver(1, gib=80), None, ["0"] * 13),
    (Driver(2, gib=12), None, ["0", "1"] * 2),
    (Driver(1, gib=2), None, ["0"]),
    (Driver(1, (0, NO_DEVICE)), None, []),
    (None, None, []),
    (Driver(2, gib=4), "2,GPU-8f", ["2", "GPU-8f"]),
    (Driver(1, gib=4), "0,7", ["0"]),  # the driver stops at the first that there is not
    (Driver(0), "", []),  # which hides them all
]


@pytest.mark.parametrize(
    ("installed", "chosen", "places"),
    PLACES,
    ids=["large", "several", "small", "does not start", "no driver", "chosen", "chosen wrongly", "hidden"],
)
def test_workers_get_gpus_in_turn_as_often_as_their_memory_holds(
    driver: Callable[[Driver | None], None],
    monkeypatch: pytest.MonkeyPatch,
    installed: Driver | None,
    chosen: str | None,
    places: list[str],
) -> None:
    driver(installed)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if chosen is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    assert device.gpu_slots("cuda") == places
    assert device.gpu_slots("cuda", alone=True) == list(dict.fromkeys(places))
    assert device.gpu_slots("cpu") == []


@pytest.mark.parametrize(
    ("places", "cores", "asked", "workers"),
    [(["0"] * 6, 16, None, 6), (["0"] * 6, 2, None, 2), ([], 3, None, 3), (["0"], 16, 5, 5)],
    ids=["places decide", "cores decide", "on the CPU", "as asked"],
)
def test_there_are_no_more_workers_than_cores_or_places(
    monkeypatch: pytest.MonkeyPatch, places: list[str], cores: int, asked: int | None, workers: int
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert device.workers(places, asked) == workers


class Silent(Driver):
    """Counts its GPUs, and says of those named that something is wrong, whatever it writes."""

    def __init__(self, count: int, *, lost: frozenset[int] = frozenset(), silent: frozenset[int] = frozenset()) -> None:
        super().__init__(count)
        self.lost, self.silent = lost, silent

    def cuDeviceGet(self, into: Any, at: int) -> int:  # noqa: N802 - the driver's own name
        super().cuDeviceGet(into, at)
        return NO_DEVICE if at in self.lost else 0

    def cuDeviceTotalMem_v2(self, into: Any, gpu: Any) -> int:  # noqa: N802 - the driver's own name
        super().cuDeviceTotalMem_v2(into, gpu)
        return NO_DEVICE if gpu.value in self.silent else 0


@pytest.mark.parametrize(
    ("installed", "gibs"),
    [
        (Silent(2), [24, 24]),
        (Silent(3, lost=frozenset({1})), [24, 0, 24]),
        (Silent(2, silent=frozenset({0})), [0, 24]),
        (None, []),
    ],
    ids=["all tell", "one is lost", "one does not tell", "no driver"],
)
def test_the_memory_of_a_gpu_is_0_where_the_driver_does_not_tell_it(
    driver: Callable[[Driver | None], None], installed: Driver | None, gibs: list[float]
) -> None:
    driver(installed)
    assert device.cuda_gibs() == gibs


def test_a_gpu_that_does_not_tell_its_memory_has_one_worker(
    driver: Callable[[Driver | None], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    driver(Silent(2, silent=frozenset({0})))
    assert device.gpu_slots("cuda") == ["0", "1", "1", "1", "1"]


def test_a_machine_that_cannot_count_its_cores_has_one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert device.workers([], None) == 1


def test_lanes_that_cannot_run_here_are_refused_together(gpus: Callable[[int], None]) -> None:
    device.refuse_missing(["cpu-float32"])
    with pytest.raises(BadInput) as caught:
        device.refuse_missing(["cuda-float32", "cpu-float32", "cuda-bfloat16"])
    assert str(caught.value).splitlines() == [
        "--lane cuda-float32: no CUDA device on this machine; leave the option out to record it as not run",
        "--lane cuda-bfloat16: no CUDA device on this machine; leave the option out to record it as not run",
    ]
    gpus(1)
    device.refuse_missing(["cuda-float32"])
