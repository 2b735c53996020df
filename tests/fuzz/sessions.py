"""The sessions and commands that read a command line, as far as they come before anything is installed."""

import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final
from unittest import mock

from harness import __main__ as commands
from harness.commands.atlas import AtlasCommand
from harness.commands.bench import bench
from harness.commands.bisect import BisectCommand
from harness.commands.cause import CauseCommand
from harness.commands.clean import CleanCommand
from harness.commands.releases import ReleasesCommand
from harness.commands.run import MatrixCommand, listed
from harness.commands.upgrade import UpgradeCommand
from harness.contract import catalog
from harness.execution import run_lock
from harness.report.terminal import console
from tests.fuzz import surroundings
from tests.fuzz.surroundings import NEW, OLD

PACKAGED: Final = catalog.PACKAGED
WHEEL: Final = "wheels/timm-1.0.32-py3-none-any.whl"
STILL: Final = "--lane cpu-float32 --route tower --model convnext_atto"
COMMANDS: Final[dict[str, Sequence[str]]] = {
    "matrix": (f"--pair {NEW} {STILL} --quick", "--size slim --size full --variant sharded --results r --workers 2"),
    "pair": (
        f"transformers==5.23.0 timm==1.0.31 {STILL}",
        f"timm@{WHEEL} transformers==5.23.0 --on host:1",
        "timm==1.0.31 transformers==5.23.0 --own sent --lane cpu-float32",
    ),
    "report": (
        f"--results results --results other --out out {STILL}",
        "transformers==5.23.0 timm==1.0.31 --part 1/2",
    ),
    "catalog": ("timm==1.0.31", "timm==1.0.31 --model 'eva*' --results r"),
    "lock": (f"--pair {NEW} --out out",),
    "upgrade": (
        f"transformers==5.23.0 --from {OLD} {STILL}",
        "timm==1.0.14 --own sent --class a:B --results r --measure",
    ),
    "bisect": (f"--good timm==1.0.14 --bad timm==1.0.31 --with transformers==5.23.0 {STILL}",),
    "releases": ("--write --cool-down 3", "--out out"),
    "cause": ("transformers==5.23.0 timm==1.0.31 --remedy file",),
    "clean": ("--older-than 3",),
    "bench": ("a c",),
    "atlas": ("--list", "--minutes 120 --lane cpu-float32 --into entries --results r --workers 2"),
    "ask": ("transformers==5.23.0 timm==1.0.31 --model 'vit_*' --route tower --lane cpu-float32 --json",),
    "move": ("transformers==5.23.0 timm==1.0.31 --from transformers==4.57.6,timm==1.0.22 --route tower",),
    "plan": (
        "--shards 3 --results results --lane cpu-float32 --quick --also 'timm==1.0.31 transformers==5.23.0'",
        "--development wheels --newest",
    ),
    "collect": ("results other --into all",),
    "listed": (f"noxfile.py -s matrix -- --pair {NEW} --matrix matrix.yaml",),
}
"""By session or command: what people type."""


def _of_matrix(session: str) -> Callable[[list[str]], int | None]:
    def enter(words: list[str]) -> None:
        command = MatrixCommand.of(words, session, Path.cwd())
        if session in {"matrix", "pair"}:
            command.claim()

    return enter


def report(words: list[str]) -> int:
    return MatrixCommand.of(words, "report", Path.cwd()).sum_up(console())


def unlock() -> None:
    """Let go of results folders that this process holds: they are gone with the attempt."""
    for file in run_lock._HELD.values():
        file.close()
    run_lock._HELD.clear()


def _bisect(words: list[str]) -> None:
    _ = BisectCommand.of(words).line


def _releases(words: list[str]) -> None:
    for line in ReleasesCommand.of(words, date(2026, 11, 25), surroundings.Index()).lines():
        sys.stdout.write(f"{line}\n")


def _atlas(words: list[str]) -> None:
    for line in AtlasCommand.of(words, surroundings.Index()).lines():
        sys.stdout.write(f"{line}\n")


def _of_atlas(name: str) -> Callable[[list[str]], int]:
    def enter(words: list[str]) -> int:
        with mock.patch.object(catalog, "PACKAGED", PACKAGED):  # the atlas needs no results folder
            return commands.main([name, *words])

    return enter


def _together(name: str) -> Callable[[list[str]], int]:
    return lambda words: commands.main([name, *words])


SESSIONS: Final[dict[str, Callable[[list[str]], Any]]] = {
    **{name: _of_matrix(name) for name in ("matrix", "pair", "catalog", "lock")},
    "report": report,
    "upgrade": lambda words: UpgradeCommand.of(words, Path.cwd()) and None,
    "bisect": _bisect,
    "releases": _releases,
    "cause": lambda words: CauseCommand.of(words) and None,
    "clean": lambda words: CleanCommand.of(words) and None,
    "bench": lambda words: bench.named(words) and None,
    "atlas": _atlas,
    "ask": _of_atlas("ask"),
    "move": _of_atlas("upgrade"),
    "plan": _together("plan"),
    "collect": _together("collect"),
    "listed": lambda words: listed(words) and None,
}
