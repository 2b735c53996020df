"""The memory and disk that full-size cases need, known before they start, and those that are free on this machine.

Slim cases are not checked: they need less than 3 GiB.
"""

import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Final

from packaging.version import Version

from ..config.lane import Lane
from ..config.matrix import Limits
from ..config.pair import Pair
from ..contract.case import DEFAULT_VARIANT, Case, Size
from ..contract.catalog import Catalog
from ..contract.checkpoint import LARGEST_FILE
from ..contract.routes import ROUTES
from .device import cuda_gibs

GIB: Final = 2**30
KIB: Final = 2**10
FLOAT: Final = 4  # bytes: checkpoints are float32
CONTEXT: Final = 2.0  # GiB of a GPU that a context and a forward pass take; an estimate
NATIVE: Final = 2.0  # GiB per GiB of weights that timm reads itself, the file and the model; an estimate
HALF: Final = 0.5  # GiB per GiB of float32 weights in half precision; an estimate
MEMINFO: Final = Path("/proc/meminfo")
CGROUP: Final = Path("/sys/fs/cgroup")  # of a container
MAPPED_SINCE: Final = Version("5.0.0.dev0")  # transformers maps a checkpoint from here on, and read it before


@dataclass(frozen=True)
class Room:
    """GiB of memory without mapped files, of disk, and of a GPU's memory."""

    memory: float
    disk: float
    gpu: float = 0.0

    @property
    def figures(self) -> tuple[float, float]:
        """Memory and disk, for the plan; a GPU belongs to one worker and is not shared."""
        return round(self.memory, 2), round(self.disk, 2)


BASE: Final = 3.2
"""GiB that every process holds: the libraries and a forward pass. beit_large_patch16_512 takes the most."""
GPU: Final = "GPU memory"
UNMAPPED: Final = 2.0  # GiB per GiB of weights that transformers 4 holds besides, the file and the model; an estimate


@dataclass(frozen=True)
class Needs:
    """The needs of a pair's full-size cases in a lane."""

    catalog: Catalog
    lane: Lane
    pair: Pair
    from_hub: bool = False

    def of(self, case: Case) -> Room:
        """The needs of one case. Weights of the hub take no disk here, but native timm reads them."""
        weights = self.catalog[case.model].params * FLOAT / GIB
        route = ROUTES[case.route]
        held, written = route.held, route.written
        if self.lane.dtype != "float32":
            held, written = held + HALF, written + HALF  # the native model is mapped, and the loaded model is not
        if not _maps(self.pair):
            held += UNMAPPED
        if self.from_hub:
            held += NATIVE
        if weights * GIB > LARGEST_FILE and not route.shards:
            held += 1  # a file larger than LARGEST_FILE takes its size in memory
            written += 1
        if case.variant != DEFAULT_VARIANT:
            held, written = held + 1, written + 1
        narrow = 1.0 if self.lane.dtype == "float32" else HALF
        gpu = CONTEXT + 2 * narrow * weights if self.lane.device == "cuda" else 0.0  # the native and the loaded model
        return Room(BASE + held * weights, written * weights, gpu)

    def by_model(self, cases: Iterable[Case]) -> dict[str, tuple[float, float]]:
        """Model -> the largest needs among its cases, in GiB of memory and disk."""
        largest: dict[str, Room] = {}
        for case in _full(cases):
            needs, before = self.of(case), largest.get(case.model, Room(0, 0))
            largest[case.model] = Room(max(before.memory, needs.memory), max(before.disk, needs.disk))
        return {model: room.figures for model, room in largest.items()}

    def unfit(self, cases: Iterable[Case], limits: Limits) -> dict[Case, str]:
        """The cases that do not fit on this machine or into the limits, with the reason."""
        free = shared()
        room = Room(min(free.memory, limits.memory_gib or inf), min(free.disk, limits.disk_gib or inf), free.gpu)
        lacking = {case: _lacking(self.of(case), room, limits) for case in _full(cases)}
        return {case: why for case, why in lacking.items() if why}


def shared() -> Room:
    """The free memory and disk of this machine, for all workers together, and the memory of its smallest GPU.

    A GPU whose driver does not report its memory counts as large enough.
    """
    disk = shutil.disk_usage(tempfile.gettempdir()).free
    return Room(_free_memory() / GIB, disk / GIB, min((gib or inf for gib in cuda_gibs()), default=0.0))


def _full(cases: Iterable[Case]) -> list[Case]:
    return [case for case in cases if case.size == Size.FULL]


def _lacking(needed: Room, room: Room, limits: Limits) -> str | None:
    """The first resource of which `needed` exceeds `room`, and whether a limit or this machine bounds it; else None."""
    for kind, needs, most, limit in (
        ("memory", needed.memory, room.memory, limits.memory_gib),
        ("disk", needed.disk, room.disk, limits.disk_gib),
        (GPU, needed.gpu, room.gpu, None),
    ):
        if needs > most:
            free = f"{most:.0f} GiB are {'there' if kind == GPU else 'free'}"
            bound = f"limits.{kind}_gib is {limit:g}" if most == limit else free
            return f"needs {needs:.0f} GiB of {kind}, and {bound}"
    return None


def _maps(pair: Pair) -> bool:
    return Version(pair.transformers) >= MAPPED_SINCE


def _free_memory() -> float:
    """Bytes that are free on the machine, or in the container that this process runs in."""
    return min(_available(), _left_in_container())


def _available() -> float:
    try:
        lines = MEMINFO.read_text().splitlines()
    except OSError:
        return inf
    fields = dict(line.partition(":")[::2] for line in lines)
    return int(fields["MemAvailable"].split()[0]) * KIB


def _left_in_container() -> float:
    try:
        most = (CGROUP / "memory.max").read_text().strip()
        return inf if most == "max" else int(most) - _held_in_container()
    except (OSError, ValueError):
        return inf


def _held_in_container() -> int:
    """Bytes that the container's processes hold, without file pages, which the system can reclaim."""
    lines = (CGROUP / "memory.stat").read_text().splitlines()
    fields = dict(line.split() for line in lines)
    return int(fields["anon"]) + int(fields.get("shmem", 0))
