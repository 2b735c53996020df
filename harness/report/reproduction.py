"""The command that runs one judged case again."""

import shlex
from collections.abc import Callable

from harness.pair import Pair
from harness.record import DEFAULT_SIZE, DEFAULT_VARIANT, Case
from harness.verdict import Judged


def in_matrix(judged: Judged) -> str:
    """For a pair that matrix.yaml names."""
    return _command("matrix", ["--pair", judged.pair], judged)


def of_pair(pair: Pair) -> Callable[[Judged], str]:
    """For a pair that matrix.yaml does not name; every case given must be of this pair."""
    unusual = {
        name: version
        for name, version in pair.versions.items()
        if name in {"transformers", "timm"} or version != getattr(pair.defaults, name)
    }
    pins = [f"{name}=={version}" for name, version in unusual.items()]
    return lambda judged: _command("pair", pins, judged)


def _command(session: str, pair: list[str], judged: Judged) -> str:
    return shlex.join(["nox", "-s", session, "--", *pair, *options(judged.lane, judged.case)])


def options(lane: str, case: Case) -> list[str]:
    """What leaves this case alone, whatever the pair."""
    options = ["--lane", lane, "--route", case.route, "--model", case.model]
    if case.variant != DEFAULT_VARIANT:
        options += ["--variant", case.variant]
    if case.size != DEFAULT_SIZE:
        options += ["--size", case.size]
    return options
