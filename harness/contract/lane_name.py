"""What the name of a lane says: `cpu-float32` is a device and a dtype, `cpu-float32-companions` has companions too."""

from typing import Final

COMPANIONS: Final = "-companions"
"""The suffix of a lane, and of an environment, with packages beside the pair."""


def device(lane: str) -> str:
    """`cpu` or `cuda`."""
    return lane.split("-", maxsplit=1)[0]


def dtype(lane: str) -> str:
    """The dtype, by torch's name."""
    return lane.split("-")[1]


def has_companions(lane: str) -> bool:
    """Whether it runs in the pair's environment with companions."""
    return lane.endswith(COMPANIONS)


def plain(lane: str) -> str:
    """The lane with the same device and dtype that has no companions, whose rules apply to both."""
    return lane.removesuffix(COMPANIONS)
