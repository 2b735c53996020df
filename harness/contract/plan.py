"""The plan of one run of a lane: everything that crosses the wall inwards, as a typed value and as JSON.

Standard library only: this module is imported inside a pair's environment.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from . import lane_name
from .case import Case, Size
from .catalog import Entry, entry_of


@dataclass(frozen=True)
class Tolerance:
    """An output differs where max abs(native - loaded) > atol + rtol * max abs(native)."""

    rtol: float
    atol: float


@dataclass(frozen=True)
class Bound:
    """A cost of a load is too high where it exceeds floor + ratio * that of the bare work."""

    ratio: float
    floor: float


@dataclass(frozen=True)
class Costs:
    """The bounds on what a load costs: CPU seconds, and MiB of anonymous memory."""

    seconds: Bound
    mib: Bound

    @classmethod
    def of(cls, fields: Mapping[str, Any] | None) -> "Costs | None":
        """From fields in JSON's own types; None, if costs are not compared, from None."""
        return None if fields is None else cls(**{name: Bound(**bound) for name, bound in fields.items()})


@dataclass(frozen=True)
class Limits:
    """Limits of a case: seconds, GiB of memory of its process, GiB of disk for its checkpoints. None: no limit."""

    seconds: int
    full_seconds: int | None
    memory_gib: float | None
    disk_gib: float | None

    def time_limit(self, case: Case) -> tuple[str, int]:
        """The name of the limit on a case's time, and its seconds."""
        if case.size == Size.FULL and self.full_seconds:
            return "full_seconds", self.full_seconds
        return "seconds", self.seconds


@dataclass(frozen=True)
class Pattern:
    """A pattern of findings: globs, of which None fits anything. `kind` is a kind of finding."""

    kind: str
    where: str | None = None
    what: str | None = None
    how: str | None = None


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule of matrix.yaml as far as it decides which remedies a scenario is run again with."""

    id: str
    routes: tuple[str, ...]
    scenarios: tuple[str, ...] | None
    models: tuple[str, ...] | None
    where: Mapping[str, Any] | None
    transformers: str | None
    timm: str | None
    torch: str | None
    lanes: tuple[str, ...] | None
    variants: tuple[str, ...] | None
    sizes: tuple[str, ...] | None
    finds: tuple[Pattern, ...]
    remedy: str

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "Rule":
        """From fields in JSON's own types."""
        listed = ("routes", "scenarios", "models", "lanes", "variants", "sizes")
        tuples = {name: tuple(fields[name]) for name in listed if fields.get(name) is not None}
        finds = tuple(Pattern(**pattern) for pattern in fields["finds"])
        return cls(**{**fields, **tuples, "finds": finds})


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The cases of a run, and everything that decides their outcomes."""

    pair: Mapping[str, str]
    """The pair's id, and its versions by package."""
    lane: str
    cases: tuple[Case, ...]
    entries: tuple[Entry, ...]
    """The catalog entries of the models of the cases."""
    same_as: Mapping[str, str]
    """Case id -> id of the case that is run in its stead: the slim forms of their models are identical."""
    quick: tuple[str, ...]
    """The models for which routes run all of their scenarios."""
    rules: tuple[Rule, ...]
    """The rules that cover the pair's releases."""
    tolerance: Tolerance
    costs: Costs | None
    """None: costs are not compared."""
    limits: Limits
    seed: int
    selection: Mapping[str, Any]
    cell: Mapping[str, str]
    """Route -> digest of the code and settings that its outcomes depend on, see `planning.currency`."""
    catalog: str | None
    """The digest of the catalog; None if none could be made."""
    lock: str | None
    """What the environment was installed from: the digest of the lock, `latest`, or None for releases up to a date."""
    handover: Mapping[str, str]
    """Folder that `keeps` saved checkpoints for another pair, or from which this pair `takes` them; usually empty."""
    needs: Mapping[str, tuple[float, float]]
    """Model -> GiB of memory and disk that it needs at full size."""
    room: tuple[float, float]
    """GiB of memory and disk that the workers share."""
    gpus: tuple[str, ...]
    """Each GPU worker's CUDA_VISIBLE_DEVICES."""
    own: Mapping[str, str | None] | None
    """The options that name the user model; None for timm's models."""
    weights: str | None
    """`hub`, or None for weights made from the seed."""
    here: str
    """The folder that a user model's modules are imported from."""
    fallbacks: int
    """The number of models in the run that could not be made slim as they should."""

    @property
    def device(self) -> str:
        """`cpu` or `cuda`."""
        return lane_name.device(self.lane)

    @property
    def dtype(self) -> str:
        """The dtype by torch's name."""
        return lane_name.dtype(self.lane)

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
            "quick": tuple(plan["quick"]),
            "rules": tuple(map(Rule.of, plan["rules"])),
            "tolerance": Tolerance(**plan["tolerance"]),
            "costs": Costs.of(plan["costs"]),
            "limits": Limits(**plan["limits"]),
            "needs": {model: tuple(gib) for model, gib in plan["needs"].items()},
            "room": tuple(plan["room"]),
            "gpus": tuple(plan["gpus"]),
        }
        return cls(**{**plan, **typed})
