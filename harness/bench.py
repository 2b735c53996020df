"""How fast it is: ratios measured in one run, medians of several, for absolute times drift from machine to machine."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from harness import lock, plan, unrun
from harness.lanes import ROOT, VARIABLES, Environment, Lanes
from harness.matrix import Matrix
from harness.pair import Pair
from harness.record import DEFAULT_VARIANT
from harness.report import reproduction
from harness.results import path_in
from harness.selection import Options

# A model of each family that differs in how it is built, saved or run.
MODELS: Final = (
    *("convnext_atto", "vit_tiny_patch16_dinov3_qkvb", "cait_xxs24_224", "resmlp_12_224", "beit_base_patch16_224"),
    *("fastvit_t8", "poolformerv2_s12", "xcit_nano_12_p8_224", "eva02_tiny_patch14_224", "resnet18"),
)
ROUTES: Final = ("wrapper", "classifier", "backbone", "tower")
LANE: Final = "cpu-float32"
REPEATS: Final = 5

Say = Callable[[str], None]


@dataclass(frozen=True)
class Figure:
    """One measurement: what was found, and what it must reach. `runs` are the ratios or seconds of each repeat."""

    name: str
    what: str
    runs: Sequence[float]
    most: float | None = None
    least: float | None = None
    unit: str = "times"

    @property
    def value(self) -> float:
        """The median."""
        return median(self.runs)

    @property
    def holds(self) -> bool:
        """Whether the target is reached."""
        return (self.most is None or self.value <= self.most) and (self.least is None or self.value >= self.least)

    @property
    def line(self) -> str:
        """As a row of a table."""
        target = f"at most {self.most:g}" if self.most is not None else f"at least {self.least:g}"
        spread = f"{min(self.runs):.2f} to {max(self.runs):.2f}"
        mark = "✔" if self.holds else "✘"
        return f"| {self.name} | {self.what} | {self.value:.2f} {self.unit} | {spread} | {target} | {mark} |"


HEAD: Final = ("| | what | median | from, to | target | |", "|---|---|---:|---|---|---|")


@dataclass
class Bench:
    """The current pair, in an environment in which it is installed."""

    matrix: Matrix
    pair: Pair
    environment: Environment
    uv: str
    say: Say

    def figures(self) -> Iterator[Figure]:
        """Each as soon as it is known."""
        for measure in (self.bare_work, self.workers, self.installing, self.nothing_changed):
            self.say(f"measuring {measure.__name__.replace('_', ' ')}")
            yield measure()

    def bare_work(self) -> Figure:
        """(a)"""
        described = self._lanes(Path("nowhere"), routes=ROUTES[:1])
        lane, catalog = plan.lanes(described.matrix, described.options)[0], described.catalog()
        if catalog is None:
            raise LookupError(f"no catalog of timm {self.pair.timm}; make it: nox -s catalog")
        cases = described.planned(lane, catalog)
        document = described.document(lane, catalog, cases)
        with tempfile.TemporaryDirectory() as folder:
            asked, into = Path(folder) / "plan.json", Path(folder) / "seconds.json"
            asked.write_text(json.dumps(document))
            command = ("-W", "ignore", "-m", "harness.cell.bare", "--plan", str(asked), "--repeats", str(REPEATS))
            if not self.environment.python(*command, env=VARIABLES, into=into):
                raise RuntimeError("the bare work failed; see above")
            found = json.loads(into.read_text())
        ratios = [ours / bare for ours, bare in zip(found["ours"], found["bare"], strict=True)]
        return Figure("a", f"a case, to the bare work: wrapper, {len(cases)} models", ratios, most=1.15)

    def workers(self) -> Figure:
        """(b)"""
        ratios = [self._run(1) / self._run(2) for _ in range(3)]
        count = len(MODELS) * len(ROUTES)
        return Figure("b", f"one worker, to two: {count} cases, the start of Python included", ratios, least=1.8)

    def installing(self) -> Figure:
        """(c)"""
        ratios = [self._installed_by_us() / self._installed_by_uv() for _ in range(REPEATS)]
        return Figure("c", "an environment for a pair, checked, to that of bare uv", ratios, most=2)

    def nothing_changed(self) -> Figure:
        """(d)"""
        with tempfile.TemporaryDirectory() as folder:
            count = record_all(self.matrix, Path(folder))
            words = ("-s", "matrix", "--", "--results", folder)
            seconds = [self._timed([sys.executable, "-m", "nox", *words]) for _ in range(REPEATS)]
        what = f"the shipped matrix, nothing changed: {count:,} made-up records"
        return Figure("d", what, seconds, most=5, unit="s")

    def _lanes(self, results: Path, routes: Sequence[str] = ROUTES, workers: int | None = None) -> Lanes:
        options = Options(
            lanes=(LANE,),
            routes=tuple(routes),
            models=MODELS,
            variants=(DEFAULT_VARIANT,),
            workers=workers,
            results=results,
        )
        return Lanes(self.matrix, self.pair, options)

    def _run(self, workers: int) -> float:
        with tempfile.TemporaryDirectory() as folder:
            found = self._lanes(Path(folder), workers=workers)
            catalog = found.prepare(self.environment, self.say)
            started = time.perf_counter()
            found.run(catalog, self.environment, self.say)
            return time.perf_counter() - started

    def _installed_by_us(self) -> float:
        place = ROOT / ".nox" / "bench"  # on the file system of the others, so that files are linked
        shutil.rmtree(place, ignore_errors=True)
        words = ("--envdir", str(place), "-s", "cause", "--", *reproduction.pins(self.pair))
        try:
            return self._timed([sys.executable, "-m", "nox", *words])
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def _installed_by_uv(self) -> float:
        place = ROOT / ".nox" / "bench"
        shutil.rmtree(place, ignore_errors=True)
        pins = str(lock.path_in(lock.FOLDER, self.pair.id))
        made = self._timed([self.uv, "venv", "--quiet", "--python", self.pair.python, str(place)])
        into = ["--python", str(place / "bin" / "python")]
        command = [self.uv, "pip", "sync", "--quiet", "--require-hashes", *into, pins]
        try:
            return made + self._timed(command)
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def _timed(self, command: Sequence[str]) -> float:
        started = time.perf_counter()
        environment = {**os.environ, "NOX_SCRIPT_MODE": "none"}
        subprocess.run(  # noqa: S603 - our own words
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
        )
        return time.perf_counter() - started


def record_all(described: Matrix, folder: Path) -> int:
    """Records of every case of a matrix, as if all had passed; how many. No model is loaded for them."""
    total = 0
    for pair in described.pairs:
        found = Lanes(described, pair, Options(results=folder))
        catalog = found.catalog()
        if catalog is None:
            continue
        for lane in described.lanes:
            cases = found.planned(lane, catalog)
            document, why = found.document(lane, catalog, cases), {case.id: "made up" for case in cases}
            unrun.note_not_run(path_in(folder, pair.id, lane.name), document, why, outcome="passed")
            total += len(cases)
    return total
