"""The command that runs one judged case again."""

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from ..config.matrix import Matrix
from ..config.options import Options, own_in_words
from ..config.pair import Pair
from ..contract.case import DEFAULT_SIZE, HUB
from ..contract.routes import OWN
from ..results.judging import Judged

DEFAULT_MATRIX: Final = Options.matrix


def of_matrix(matrix: Path = DEFAULT_MATRIX) -> Callable[[Judged], str]:
    """For cases of pairs that the matrix file names."""
    return lambda judged: shlex.join([*session("matrix", ["--pair", judged.pair], matrix), *options(judged)])


def of_pair(pair: Pair, matrix: Path = DEFAULT_MATRIX) -> Callable[[Judged], str]:
    """For cases of a pair that the matrix file does not name. The pair of a case is not looked at."""
    return lambda judged: shlex.join([*session("pair", pins(pair), matrix), *options(judged)])


def running(pair: Pair, described: Matrix, matrix: Path = DEFAULT_MATRIX) -> list[str]:
    """The command that runs a pair, whether the matrix names it or not."""
    if any(pair.id == listed.id for listed in described.pairs):
        return session("matrix", ["--pair", pair.id], matrix)
    return session("pair", pins(pair), matrix)


def pins(pair: Pair) -> list[str]:
    """A pair as requirements on a command line; versions that are the defaults are left out."""
    unusual = {
        name: version
        for name, version in pair.versions.items()
        if name in {"transformers", "timm"} or version != getattr(pair.defaults, name)
    }
    return [pair.pin(name) for name in unusual]


def session(name: str, pair: Sequence[str], matrix: Path) -> list[str]:
    """The start of a command: the session, the pair, and the matrix file unless it is the default."""
    named = [] if matrix == DEFAULT_MATRIX else ["--matrix", str(matrix)]
    return ["nox", "-s", name, "--", *pair, *named]


def options(judged: Judged) -> list[str]:
    """The options that select this case alone within its pair, and run it even if it has a record."""
    case, user_model = judged.case, user_model_options(judged)
    return [
        *("--lane", judged.lane),
        *user_model,
        *([] if user_model and case.route == OWN else ["--route", case.route]),
        *([] if user_model else ["--model", case.model]),
        *("--variant", case.variant),
        *(["--size", case.size] if case.size != DEFAULT_SIZE else []),
        *(["--weights", HUB] if (judged.header or {}).get("weights") == HUB else []),
        "--rerun",
    ]


def user_model_options(judged: Judged) -> list[str]:
    """The options that name the user model of the run's header; none for a model of timm's."""
    user_model = (judged.header or {}).get("own")
    return own_in_words(user_model) if isinstance(user_model, dict) else []
