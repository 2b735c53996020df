"""The plan of one run of a lane: all that crosses the wall inwards, as one typed value and as JSON.

Standard library only: this module is imported inside a pair's environment.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .case import Case, Size
from .catalog import Entry, entry_of


@dataclass(frozen=True)
class Tolerance:
    """An output differs where max abs(native - loaded) > atol + rtol * max abs(native)."""

    rtol: float
    atol: float


@dataclass(frozen=True)
class Limits:
    """What a case may take: seconds, GiB of memory of its process, GiB of disk for its checkpoints. None: no limit."""

    seconds: int
    full_seconds: int | None
    memory_gib: float | None
    disk_gib: float | None

    def time_limit(self, case: Case) -> tuple[str, int]:
        """The name of the limit on a case's time, and its seconds."""
        if case.size == Size.FULL and self.full_seconds:
            return "full_seconds", self.full_seconds
        return "seconds", self.seconds


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run is to do, and what decides what comes of it."""

    pair: Mapping[str, str]
    """Its id, and its versions by package."""
    lane: str
    cases: tuple[Case, ...]
    entries: tuple[Entry, ...]
    """The catalog's, of the models of the cases."""
    same_as: Mapping[str, str]
    """By case id the case that is run for it too, since their models are the same once slim."""
    tolerance: Tolerance
    limits: Limits
    seed: int
    selection: Mapping[str, Any]
    cell: Mapping[str, str]
    """By route a digest of what decides an outcome beside the pair."""
    catalog: str | None
    """A digest; None where no catalog could be made."""
    lock: str | None
    """What the environment is made of: the digest of the lock, `latest`, or None for a date."""
    handover: Mapping[str, str]
    """The folder that `keeps` what is saved, or from which it `takes` what another pair saved; empty for neither."""
    needs: Mapping[str, tuple[float, float]]
    """GiB of memory and disk that a full-size model needs, by model."""
    room: tuple[float, float]
    """GiB of memory and disk that the workers share."""
    gpus: tuple[str, ...]
    """For each worker on a GPU the one that it sees, as CUDA_VISIBLE_DEVICES names it."""
    own: Mapping[str, str | None] | None
    """The user model, as it was named; None for timm's models."""
    weights: str | None
    """`hub`, or None where they are made here."""
    here: str
    """The folder in which modules of a user model are found."""
    fallbacks: int
    """How many models of the run could not be made slim."""

    @property
    def device(self) -> str:
        """`cpu` or `cuda`."""
        return self.lane.partition("-")[0]

    @property
    def dtype(self) -> str:
        """The dtype by torch's name."""
        return self.lane.partition("-")[2]

    def dumps(self) -> str:
        """The plan as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, text: str) -> "Plan":
        """The inverse of `dumps`."""
        plan = json.loads(text)
        typed = {
            "cases": tuple(Case(**{**case, "size": Size(case["size"])}) for case in plan["cases"]),
            "entries": tuple(map(entry_of, plan["entries"])),
            "tolerance": Tolerance(**plan["tolerance"]),
            "limits": Limits(**plan["limits"]),
            "needs": {model: tuple(gib) for model, gib in plan["needs"].items()},
            "room": tuple(plan["room"]),
            "gpus": tuple(plan["gpus"]),
        }
        return cls(**{**plan, **typed})
