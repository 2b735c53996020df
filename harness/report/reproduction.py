"""The command that runs one judged case again."""

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from ..config.matrix import Matrix
from ..config.option_parser import Options, own_in_words
from ..config.pair import Pair
from ..contract.case import DEFAULT_SIZE, HUB
from ..contract.routes import OWN
from ..results.verdict import Judged

DEFAULT_MATRIX: Final = Options.matrix


def of_matrix(matrix: Path = DEFAULT_MATRIX) -> Callable[[Judged], str]:
    """For the pairs that a matrix names."""
    return lambda judged: shlex.join([*session("matrix", ["--pair", judged.pair], matrix), *options(judged)])


def of_pair(pair: Pair, matrix: Path = DEFAULT_MATRIX) -> Callable[[Judged], str]:
    """For a pair that matrix.yaml does not name; every case given must be of this pair."""
    return lambda judged: shlex.join([*session("pair", pins(pair), matrix), *options(judged)])


def running(pair: Pair, described: Matrix, matrix: Path = DEFAULT_MATRIX) -> list[str]:
    """What runs a pair, whether the matrix names it or not."""
    if any(pair.id == one.id for one in described.pairs):
        return session("matrix", ["--pair", pair.id], matrix)
    return session("pair", pins(pair), matrix)


def pins(pair: Pair) -> list[str]:
    """What names a pair on a command line, the defaults left out."""
    unusual = {
        name: version
        for name, version in pair.versions.items()
        if name in {"transformers", "timm"} or version != getattr(pair.defaults, name)
    }
    return [pair.pin(name) for name in unusual]


def session(name: str, pair: Sequence[str], matrix: Path) -> list[str]:
    """The beginning of a command: the session, the pair, and the matrix where it is another one."""
    named = [] if matrix == DEFAULT_MATRIX else ["--matrix", str(matrix)]
    return ["nox", "-s", name, "--", *pair, *named]


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
        *(["--weights", HUB] if (judged.header or {}).get("weights") == HUB else []),
        "--rerun",
    ]


def own(judged: Judged) -> list[str]:
    """The options that name a model of somebody's own, where it is one; as its run says."""
    asked = (judged.header or {}).get("own")
    return own_in_words(asked) if isinstance(asked, dict) else []
