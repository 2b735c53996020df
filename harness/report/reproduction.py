"""The command that runs one judged case again."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Final

from harness.pair import Pair
from harness.record import DEFAULT_SIZE, OWN
from harness.selection import Options, own_in_words
from harness.verdict import Judged

DEFAULT_MATRIX: Final = Options.matrix


def of_matrix(matrix: Path = DEFAULT_MATRIX) -> Callable[[Judged], str]:
    """For the pairs that a matrix names."""
    return lambda judged: _command("matrix", ["--pair", judged.pair], judged, matrix)


def of_pair(pair: Pair, matrix: Path = DEFAULT_MATRIX) -> Callable[[Judged], str]:
    """For a pair that matrix.yaml does not name; every case given must be of this pair."""
    unusual = {
        name: version
        for name, version in pair.versions.items()
        if name in {"transformers", "timm"} or version != getattr(pair.defaults, name)
    }
    pins = [f"{name}=={version}" for name, version in unusual.items()]
    return lambda judged: _command("pair", pins, judged, matrix)


def _command(session: str, pair: list[str], judged: Judged, matrix: Path) -> str:
    named = [] if matrix == DEFAULT_MATRIX else ["--matrix", str(matrix)]
    return shlex.join(["nox", "-s", session, "--", *pair, *named, *options(judged)])


def options(judged: Judged) -> list[str]:
    """What runs this case and no other, whatever the pair, though it is recorded."""
    case, asked = judged.case, own(judged)
    return [
        *("--lane", judged.lane),
        *asked,
        *([] if asked and case.route == OWN else ["--route", case.route]),
        *([] if asked else ["--model", case.model]),
        *("--variant", case.variant),
        *(["--size", case.size] if case.size != DEFAULT_SIZE else []),
        "--rerun",
    ]


def own(judged: Judged) -> list[str]:
    """The options that name a model of somebody's own, where it is one; as its run says."""
    asked = (judged.header or {}).get("own")
    return own_in_words(asked) if isinstance(asked, dict) else []
