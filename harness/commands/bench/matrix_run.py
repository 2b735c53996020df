"""A whole run of `nox -s matrix` whose time is measured, and what came of its cases."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ...contract import record
from ...contract.case import DEFAULT_SIZE, DEFAULT_VARIANT, GREEN, SKIPPED, Case
from ...execution.pair_run import PairRun
from ...results.store import path_in
from .run_command import each, nox, timed

LANE: Final = "cpu-float32"


@dataclass(frozen=True)
class Ran:
    """How long a command took, and what came of each case, by route and model."""

    seconds: float
    outcomes: Mapping[tuple[str, str], str]

    @property
    def failed(self) -> frozenset[tuple[str, str]]:
        """Those that were run and did not pass."""
        return frozenset(case for case, outcome in self.outcomes.items() if outcome not in GREEN | SKIPPED)

    def compared(self, other: "Ran") -> tuple[int, bool]:
        """How many outcomes the other has too, and whether it has all of them, where something failed."""
        same = sum(other.outcomes[case] == outcome for case, outcome in self.outcomes.items())
        return same, bool(self.failed) and same == len(self.outcomes)


def run_matrix(  # noqa: PLR0913 - what a command says
    pairs: Sequence[PairRun],
    models: Sequence[str] = (),
    routes: Sequence[str] = (),
    *,
    quick: bool = False,
    size: str = DEFAULT_SIZE,
    workers: int | None = None,
    told: Mapping[str, str] | None = None,
    place: Path | None = None,
) -> Ran:
    """Run cases of these pairs by the command that users type. Raises RuntimeError where not all of them ran."""
    with tempfile.TemporaryDirectory() as folder:
        words = [
            *each("--pair", [pair_run.pair.id for pair_run in pairs]),
            *each("--model", models),
            *each("--route", routes),
            *("--lane", LANE, "--variant", DEFAULT_VARIANT, "--results", folder),
            *(["--quick"] if quick else ["--size", size]),
            *(["--workers", str(workers)] if workers else []),
        ]
        seconds = timed(nox("matrix", *words, place=place), told, good={0, 1})
        paths = [path_in(Path(folder), pair_run.pair.id, LANE) for pair_run in pairs]
        runs = [run for path in paths if path.is_file() for run in record.read(path)]
    if len(runs) < len(pairs) or any(run.end is None or run.end["failed"] for run in runs):
        raise RuntimeError(f"what was to be measured did not run: nox -s matrix -- {' '.join(words)}")
    lines = {Case.parse(case): str(line["outcome"]) for run in runs for case, line in run.cases.items()}
    # Noise grows with depth: what drifted has passed.
    outcomes = {(one.route, one.model): "passed" if said in GREEN else said for one, said in lines.items()}
    return Ran(seconds, outcomes)
