"""`upgrade --own`: a model of one's own, saved with the old pair and loaded with the new one, by uv without nox."""

import argparse
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final, TextIO

from ...config.errors import BadInput
from ...config.pin_files.reading import named
from ...contract import package, tempdirs
from ...contract.surroundings import is_file
from ...environments import beside, uv
from ...environments.environment import Environment
from ...report import own_upgrade
from ...report.own_upgrade import OwnUpgrade
from ...results.judging import Judged
from ...results.upgrade_result import UpgradeResult
from ..markdown import as_markdown
from ..upgrade import UpgradeCommand
from .progress import Progress

Releases = tuple[str, str]
MATRIX: Final = (package.ROOT if package.IN_CHECKOUT else package.FOLDER) / "matrix.yaml"
LACKS: Final = "No module named"
NOR: Final = "the lock has no such package either; add it there"
ADD: Final = "the environments have nothing but what the two libraries need; --with-lock adds what your lock has"


def run(arguments: argparse.Namespace, ends: tuple[Releases, Releases], out: TextIO) -> int:
    """Try the move, print the answer, and return its exit code. Raises BadInput."""
    installer = uv.found()
    others = _others(arguments, installer) if arguments.with_lock else ()
    with tempdirs.folder("upgrade") as folder:
        command = UpgradeCommand.of(_typed(arguments, ends, folder / "results"), Path.cwd(), others)
        root = _root(arguments.envs)
        (folder / "code").mkdir()
        code = uv.code_in(folder / "code")
        progress, seconds = Progress(), command.described.limits.install_seconds
        environments = uv.UvEnvironments(root, installer, seconds, code, progress.of_run)
        answer = answered(arguments, command, environments, progress)
    return tell(arguments, answer, out)


def answered(
    arguments: argparse.Namespace, command: UpgradeCommand, environments: Environment, progress: Progress
) -> UpgradeResult:
    """Run the move. Raises BadInput for a target that gives no model, of which no case is counted then."""
    try:
        return command.answer(environments, progress.say, partial(refuse_unusable, arguments))
    except BadInput:
        progress.drop()
        raise
    finally:
        progress.flush()


def refuse_unusable(arguments: argparse.Namespace, start: Sequence[Judged]) -> None:
    """Raises BadInput where the target gives no model with the pair at the start."""
    for case in start:
        if why := _unusable(case):
            remedy = (NOR if arguments.with_lock else ADD) if LACKS in why else "see check --help"
            raise BadInput(f"--own {arguments.own}: {why}; {remedy}")


def tell(arguments: argparse.Namespace, answer: UpgradeResult, out: TextIO) -> int:
    """Print what a move does to the model, and return its exit code."""
    found = OwnUpgrade(arguments.own, answer)
    lines = list(own_upgrade.lines(found))
    told = as_markdown(lines) if arguments.markdown else lines
    out.write(own_upgrade.as_json(found) if arguments.json else "\n".join(told))
    out.write("\n")
    return found.exit_code


def _typed(arguments: argparse.Namespace, ends: tuple[Releases, Releases], results: Path) -> list[str]:
    """The same as `nox -s upgrade` takes it."""
    start, end = ends
    pins = [f"transformers=={end[0]}", f"timm=={end[1]}", "--from", f"transformers{start[0]}-timm{start[1]}"]
    place = [
        "--matrix",
        str(MATRIX),
        "--results",
        str(results),
        "--lane",
        arguments.lane,
        "--workers",
        "1",
        "--measure",
    ]
    own = [
        ("--own", arguments.own),
        ("--config", arguments.config),
        ("--class", arguments.maker),
    ]
    named = [("--model", arguments.models), ("--route", arguments.routes)]
    repeated = [(flag, value) for flag, values in named for value in values]
    return [*pins, *place, *(word for flag, value in (*own, *repeated) if value for word in (flag, value))]


def _others(arguments: argparse.Namespace, installer: str) -> tuple[str, ...]:
    """What the lock of the end has besides, or else that of the start. Raises BadInput."""
    locks = [Path(word) for word in (*arguments.pins, arguments.start) if word and is_file(Path(word))]
    if not locks:
        raise BadInput("--with-lock: no lock is named; give it with --lockfile")
    for lock in locks:
        if found := beside.requirements(lock, installer):
            return found
    raise BadInput(f"--with-lock: {named(locks[-1])} has nothing but the two libraries; leave --with-lock out")


def _root(folder: Path | None) -> Path:
    """The folder of the environments, made if it is not there. Raises BadInput."""
    root = folder or _cache() / "pairs"
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--envs {named(root)}: {error.strerror}; name a folder that can be written") from error
    return root.resolve()


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "layerscale-matrix"


def _unusable(case: Judged) -> str | None:
    """Why the target gives no model that can be tried; None if it does."""
    error = ((case.record or {}).get("detail") or {}).get("error") or {}
    return str(error["message"]) if error.get("type") == "Unusable" else None
