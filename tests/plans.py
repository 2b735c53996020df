"""A plan as a value, for tests of what is written from it."""

from collections.abc import Iterable
from typing import Any

from harness.contract.case import SEED, Case
from harness.contract.plan import Limits, Plan, Tolerance

PAIR = {
    "id": "transformers5.23.0-timm1.0.31",
    "transformers": "5.23.0",
    "timm": "1.0.31",
    "torch": "2.14.1",
    "torchvision": "0.29.1",
    "python": "3.11",
}
MACHINE: dict[str, Any] = {"packages": {"torch": "2.14.1"}, "platform": "Linux-x86_64", "device": None}
NO_LIMITS = Limits(seconds=300, full_seconds=None, memory_gib=None, disk_gib=None)


def plan_of(cases: Iterable[str], **fields: Any) -> Plan:
    """The plan of these cases of a pair on the CPU."""
    usual: dict[str, Any] = {
        "pair": PAIR,
        "lane": "cpu-float32",
        "cases": tuple(map(Case.parse, cases)),
        "entries": (),
        "same_as": {},
        "rules": (),
        "tolerance": Tolerance(rtol=1e-5, atol=1e-5),
        "costs": None,
        "limits": NO_LIMITS,
        "seed": SEED,
        "selection": {"quick": True},
        "cell": {"tower": "fedcba9876543210"},
        "catalog": "0123456789abcdef",
        "lock": None,
        "handover": {},
        "needs": {},
        "room": (16.0, 100.0),
        "gpus": (),
        "own": None,
        "weights": None,
        "here": ".",
        "fallbacks": 0,
        "quick": (),
    }
    return Plan(**{**usual, **fields})
