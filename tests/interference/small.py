"""A small matrix with green, known broken, regressed and fixed cells; whole commands that run it, and what came out."""

import os
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ruamel.yaml import YAML

from harness.commands.run import MatrixCommand
from tests.interference.judging import Key, State
from tests.pairs.command import VARIABLES
from tests.places import ROOT

PAIR: Final = ("transformers==5.23.0", "timm==1.0.31", "--model", "test_convnext", "--model", "test_vit_relpos")
OTHER: Final = ("transformers==4.49.0", "timm==1.0.15", "--model", "test_convnext", "--model", "test_vit2")
ROUTES: Final = ("wrapper", "classifier", "hub", "roundtrip", "tower")
SELECTION: Final = (
    *("--lane", "cpu-float32", "--variant", "safetensors"),
    *(word for route in ROUTES for word in ("--route", route)),
)
FORGOTTEN: Final = "tests/causes/resaved_model_args_null.py"
FIXED: Final = {
    "id": "made-up",
    "routes": ["classifier"],
    "where": {"gamma_keys": True},
    "finds": [{"kind": "keys", "how": "*"}],
    "because": "made up",
    "script": "tests/causes/rename_gamma.py",
    "remedy": "move",
    "advice": "made up",
}


def write_matrix(path: Path) -> Path:
    """matrix.yaml without the rule of `roundtrip`, which is regressed then, and with one that `classifier` refutes."""
    yaml = YAML()
    content = yaml.load((ROOT / "matrix.yaml").read_text())
    rules = content["expectations"]
    content["expectations"] = [FIXED, *(rule for rule in rules if rule.get("script") != FORGOTTEN)]
    with path.open("w") as file:
        yaml.dump(content, file)
    return path


@dataclass(frozen=True)
class Disturbance:
    """What a run is started with that other runs are not."""

    prefix: Sequence[str] = ()
    """Words before the command."""
    variables: Mapping[str, str] = field(default_factory=dict)
    open_files: int | None = None
    """At most so many open files a process."""


@dataclass(frozen=True)
class Place:
    """The folders of a run, and its matrix."""

    folder: Path
    matrix: Path
    environments: Path | None = None
    """A folder of nox's of its own, in which the pair is installed; the checkout's if None."""
    pair: Sequence[str] = PAIR
    """The words that name the pair, and its models."""

    @property
    def results(self) -> Path:
        """The results folder."""
        return self.folder / "results"

    @property
    def temporary(self) -> Path:
        """The folder that TMPDIR names."""
        return self.folder / "tmp"

    @property
    def _options(self) -> list[str]:
        return [*self.pair, *SELECTION, "--matrix", str(self.matrix), "--results", str(self.results)]

    def start(self, log: str, *options: str, disturbance: Disturbance = Disturbance()) -> "subprocess.Popen[bytes]":
        """Start the command in a session of its own; what it prints is in a file of the folder."""
        self.temporary.mkdir(parents=True, exist_ok=True)
        apart = ["--envdir", str(self.environments)] if self.environments else []
        command = [sys.executable, "-m", "nox", *apart, "-s", "pair", "--", *self._options, "--workers", "2", *options]
        most = disturbance.open_files

        def limit() -> None:
            if most is not None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

        with (self.folder / f"{log}.log").open("wb") as output:
            return subprocess.Popen(  # noqa: S603 - our own words
                [*disturbance.prefix, *command],
                cwd=ROOT,
                env={**os.environ, **VARIABLES, "TMPDIR": str(self.temporary), **disturbance.variables},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=limit,  # noqa: PLW1509 - of a program without threads
            )

    def state(self, code: int) -> State:
        """What is on record, and an exit code. Raises a HarnessError if the records cannot be read."""
        self.results.mkdir(parents=True, exist_ok=True)
        judged = MatrixCommand.of(self._options, "report", ROOT).summary().judged
        cells: dict[Key, tuple[str, str | None]] = {
            (case.pair, case.lane, case.case.id): (str(case.verdict), case.outcome) for case in judged
        }
        return State(cells, code)
