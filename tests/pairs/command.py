"""The commands as a user types them: nox itself, in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness.contract import record
from harness.results.store import path_in
from tests.places import CURRENT, ROOT

PAIR: Final = CURRENT
ONE_LANE: Final = ("--pair", PAIR, "--lane", "cpu-float32", "--variant", "safetensors")
"""The options for one pair, one lane, and checkpoints as they are by default."""

# The imports of noxfile.py are in this environment already; and nobody wants colours here.
VARIABLES: Final = {"NOX_SCRIPT_MODE": "none", "NO_COLOR": "1"}


@dataclass(frozen=True)
class Ended:
    """How a command ended. `said` is standard error: nox's own lines, progress, and errors."""

    code: int
    out: str
    said: str

    @property
    def errors(self) -> list[str]:
        """What standard error has beside nox's own lines."""
        return [line for line in self.said.splitlines() if line and not line.startswith("nox > ")]


RUNS: Final = frozenset({"matrix", "pair", "upgrade", "bisect"})
"""The sessions that run cases."""


def among_others(*models: str) -> list[str]:
    """Options that select models by globs: a model named in full would run in every scenario, which takes longer."""
    return [word for model in models for word in ("--model", f"[{model[0]}]{model[1:]}")]


# What must come out again, whatever became of the cases beside it.
FACTS: Final = ("outcome", "reason", "max_abs", "max_rel", "noise", "fingerprint")


def cases(results: Path, pair: str = PAIR, lane: str = "cpu-float32") -> dict[str, Mapping[str, Any]]:
    """The last line of each case in a lane's file."""
    runs = record.read(path_in(results, pair, lane))
    return {case: line for run in runs for case, line in run.cases.items()}


def facts(results: Path) -> dict[str, dict[str, Any]]:
    """What came out of each case of the current pair."""
    return {case: {name: line[name] for name in FACTS} for case, line in cases(results).items()}


def has_ended(results: Path) -> bool:
    """Whether the last run of the current pair came to its end."""
    return record.read(path_in(results, PAIR, "cpu-float32"))[-1].end is not None


def nox(
    session: str,
    *options: str,
    results: Path,
    environments: Path | None = None,
    seconds: int = 120,
    variables: Mapping[str, str] | None = None,
) -> Ended:
    """Runs a session, by default in the environments that the project has already, and with one worker.

    Tests run beside each other, and a second worker imports the libraries once more for a handful of cases.
    """
    place = ["--envdir", str(environments)] if environments else []
    alone = ["--workers", "1"] if session in RUNS and "--workers" not in options else []
    words = (*options, *alone, "--results", str(results))
    return run(*place, "-s", session, "--", *words, seconds=seconds, variables=variables)


def run(*arguments: str, seconds: int = 120, variables: Mapping[str, str] | None = None) -> Ended:
    """Runs nox with these arguments, and these environment variables besides."""
    inherited = {name: value for name, value in os.environ.items() if name != "FORCE_COLOR"}
    ended = subprocess.run(  # noqa: S603 - the tests' own words
        [sys.executable, "-m", "nox", *arguments],
        cwd=ROOT,
        env={**inherited, **VARIABLES, **(variables or {})},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)
