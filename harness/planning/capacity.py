"""What a full-size case needs of memory and disk, known before it starts, and what this machine has.

Of a slim case nobody asks: it needs less than 3 GiB.
"""

import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Final

from packaging.version import Version

from ..config.matrix import Lane, Limits
from ..config.pair import Pair
from ..contract.case import DEFAULT_VARIANT, Case, Size
from ..contract.catalog import Catalog
from ..contract.checkpoint import LARGEST_FILE
from ..contract.routes import ROUTES
from .device import cuda_gibs

GIB: Final = 2**30
KIB: Final = 2**10
FLOAT: Final = 4  # bytes: checkpoints are float32
CONTEXT: Final = 2.0  # GiB of a GPU that a context and a forward pass take; never measured, for want of one
NATIVE: Final = 2.0  # what timm may hold of weights that it reads itself: the file, and the model; an estimate
HALF: Final = 0.5  # what half precision takes of it; an estimate
MEMINFO: Final = Path("/proc/meminfo")
CGROUP: Final = Path("/sys/fs/cgroup")  # a container's
MAPPED_SINCE: Final = Version("5.0.0.dev0")  # from here on transformers maps a checkpoint instead of reading it


@dataclass(frozen=True)
class Room:
    """GiB of memory that a process holds, files that are mapped apart; of disk; and of a GPU's memory."""

    memory: float
    disk: float
    gpu: float = 0.0

    @property
    def figures(self) -> tuple[float, float]:
        """What workers share, as it crosses the wall; a GPU is one worker's alone."""
        return round(self.memory, 2), round(self.disk, 2)


BASE: Final = 3.2
"""GiB that a process holds whatever the model: the libraries, and a forward pass. beit_large_patch16_512 takes most."""
GPU: Final = "GPU memory"
UNMAPPED: Final = 2.0  # what transformers 4 may hold besides: the file as it reads it, and the model; an estimate


@dataclass(frozen=True)
class Needs:
    """What the full-size cases of a pair's lane need."""

    catalog: Catalog
    lane: Lane
    pair: Pair
    from_hub: bool = False

    def of(self, case: Case) -> Room:
        """One of them. What the hub has of a model lies in its cache, and native timm reads it."""
        weights = self.catalog[case.model].params * FLOAT / GIB
        route = ROUTES[case.route]
        held, written = route.held, route.written
        if self.lane.dtype != "float32":
            held, written = held + HALF, written + HALF  # native's, mapped; and the loaded, which is no file's
        if not _maps(self.pair):
            held += UNMAPPED
        if self.from_hub:
            held += NATIVE
        if weights * GIB > LARGEST_FILE and not route.shards:
            held += 1  # a file that is mapped as a whole takes that memory
            written += 1
        if case.variant != DEFAULT_VARIANT:
            held, written = held + 1, written + 1
        narrow = 1.0 if self.lane.dtype == "float32" else HALF
        gpu = CONTEXT + 2 * narrow * weights if self.lane.device == "cuda" else 0.0  # native and the loaded
        return Room(BASE + held * weights, written * weights, gpu)

    def by_model(self, cases: Iterable[Case]) -> dict[str, tuple[float, float]]:
        """By model the most that one of its cases needs, for the workers share what there is."""
        most: dict[str, Room] = {}
        for case in _full(cases):
            found, before = self.of(case), most.get(case.model, Room(0, 0))
            most[case.model] = Room(max(before.memory, found.memory), max(before.disk, found.disk))
        return {model: room.figures for model, room in most.items()}

    def unfit(self, cases: Iterable[Case], limits: Limits) -> dict[Case, str]:
        """The cases that do not fit here, and why."""
        free = shared()
        room = Room(min(free.memory, limits.memory_gib or inf), min(free.disk, limits.disk_gib or inf), free.gpu)
        lacking = {case: _lacking(self.of(case), room, limits) for case in _full(cases)}
        return {case: why for case, why in lacking.items() if why}


def shared() -> Room:
    """What is free on this machine, for all workers together; and what the smallest GPU has, for any may be a worker's.

    Of a GPU whose driver does not tell it is taken to be enough.
    """
    disk = shutil.disk_usage(tempfile.gettempdir()).free
    return Room(_free_memory() / GIB, disk / GIB, min((gib or inf for gib in cuda_gibs()), default=0.0))


def _full(cases: Iterable[Case]) -> list[Case]:
    return [case for case in cases if case.size == Size.FULL]


def _lacking(needed: Room, room: Room, limits: Limits) -> str | None:
    """What there is too little of, in GiB, and whether it is the limit that says so."""
    for kind, needs, most, limit in (
        ("memory", needed.memory, room.memory, limits.memory_gib),
        ("disk", needed.disk, room.disk, limits.disk_gib),
        (GPU, needed.gpu, room.gpu, None),
    ):
        if needs > most:
            free = f"{most:.0f} GiB are {'there' if kind == GPU else 'free'}"
            there = f"limits.{kind}_gib is {limit:g}" if most == limit else free
            return f"needs {needs:.0f} GiB of {kind}, and {there}"
    return None


def _maps(pair: Pair) -> bool:
    return Version(pair.transformers) >= MAPPED_SINCE


def _free_memory() -> float:
    """Bytes that the machine can give, or the container that this is in."""
    return min(_available(), _left_in_container())


def _available() -> float:
    try:
        lines = MEMINFO.read_text().splitlines()
    except OSError:
        return inf
    told = dict(line.partition(":")[::2] for line in lines)
    return int(told["MemAvailable"].split()[0]) * KIB


def _left_in_container() -> float:
    try:
        most = (CGROUP / "memory.max").read_text().strip()
        return inf if most == "max" else int(most) - _held_in_container()
    except (OSError, ValueError):
        return inf


def _held_in_container() -> int:
    """Without what the system can take back: the pages of files."""
    lines = (CGROUP / "memory.stat").read_text().splitlines()
    told = dict(line.split() for line in lines)
    return int(told["anon"]) + int(told.get("shmem", 0))
