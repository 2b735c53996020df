"""How far native timm's numbers on a GPU lie from those on the CPU: what both libraries share is no one's bug."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ..config.text import number
from ..results.pair_diff import figures_of, fingerprint_of
from ..results.verdict import Judged

GPU: Final = "cuda-"
CPU: Final = ("cpu-{}", "cpu-float32")
"""The lane that a GPU's is held against: that of the same dtype, or else the finest."""


def remarks(judged: Sequence[Judged]) -> Iterator[str]:
    """A sentence for each GPU lane of which a CPU lane has the same cases."""
    prints: dict[str, dict[tuple[Any, ...], Mapping[str, Any]]] = {}
    for one in judged:
        if found := fingerprint_of(one):
            prints.setdefault(one.lane, {})[one.pair, one.case] = found
    for lane, ours in prints.items():
        beside = [name.format(lane.removeprefix(GPU)) for name in CPU] if lane.startswith(GPU) else []
        other = next((name for name in beside if name in prints), None)
        if other and (shared := ours.keys() & prints[other].keys()):
            off = {key: _off(prints[other][key], ours[key]) for key in shared}
            (pair, case), worst = max(off.items(), key=lambda item: (item[1], str(item[0])))
            yield (
                f"On {lane} native timm's outputs lie up to {worst:.1e} of their largest value from those on {other}, "
                f"in {number(len(off), 'case')}; the furthest in {pair} {case.id}."
            )


def _off(cpu: Mapping[str, Any], gpu: Mapping[str, Any]) -> float:
    """The furthest of the figures that both have, as a share of the largest value; all of it where a shape differs."""
    worst = 0.0
    for name in cpu.keys() & gpu.keys():
        if cpu[name]["shape"] != gpu[name]["shape"]:
            return 1.0
        for one, two in zip(figures_of(cpu[name]), figures_of(gpu[name]), strict=True):
            if one is not None and two is not None and cpu[name]["absmax"]:
                worst = max(worst, abs(one - two) / cpu[name]["absmax"])
    return worst
