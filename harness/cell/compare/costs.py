"""The cost of a load compared with the cost of the bare work."""

from collections.abc import Iterator
from typing import Final

from ...contract.case import Outcome
from ...contract.finding import Finding
from ...contract.plan import Bound, Costs
from ..guards.cost import Cost

WHERE: Final = "loading"
ALMOST: Final = 0.8  # of a checkpoint's size
MANY: Final = "is many times that of the bare work"
READ: Final = "is the size of the checkpoint: it is read into memory instead of mapped"


def compare_costs(load: Cost, bare: Cost, bounds: Costs, mapped: float) -> Iterator[Finding]:
    """The costs of a load that exceed their bound. `mapped` are the MiB of its checkpoint that should stay mapped."""
    if _exceeds(load.seconds, bare.seconds, bounds.seconds):
        example = f"CPU time of {load.seconds:.2g} s (not {bare.seconds:.2g} s)"
        yield Finding(Outcome.COST, WHERE, "CPU time", MANY, example=example)
    if load.mib is not None and bare.mib is not None and _exceeds(load.mib, bare.mib, bounds.mib):
        is_read = mapped > 0 and ALMOST * mapped < load.mib < mapped / ALMOST
        example = f"anonymous memory of {load.mib:.0f} MiB (not {max(0.0, bare.mib):.0f} MiB)"
        how = READ if is_read else MANY
        yield Finding(Outcome.COST, WHERE, "anonymous memory", how, example=example)


def exceed_floors(load: Cost, bounds: Costs) -> bool:
    """Whether any cost of a load would exceed its bound if the bare work were free."""
    return any(True for _ in compare_costs(load, Cost(0.0, 0.0), bounds, 0.0))


def _exceeds(figure: float, bare: float, bound: Bound) -> bool:
    return figure > bound.floor + bound.ratio * max(0.0, bare)
