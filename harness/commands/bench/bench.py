"""How fast it is: ratios measured in one run, for absolute times drift from machine to machine.

All but the bare work are whole commands, from their start to the report; medians, but of what takes many minutes.
"""

import argparse
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ...config.errors import BadInput
from ...config.options import Options
from ...contract import package
from ...contract.case import DEFAULT_SIZE, DEFAULT_VARIANT, Size
from ...contract.catalog import Catalog
from ...contract.package import ROOT
from ...environments import lock
from ...environments.environment import Say
from ...environments.pair_environment import VARIABLES, PairPython
from ...execution.pair_run import PairRun
from ...report import reproduction
from . import plain_pytest, quick_run, run_command
from .figure import Figure
from .matrix_run import LANE, run_matrix
from .samples import REPEATS, ROUTES, catalog_of, record_all, sample

# A model of each family that differs in how it is built, saved or run.
MODELS: Final = (
    *("convnext_atto", "vit_tiny_patch16_dinov3_qkvb", "cait_xxs24_224", "resmlp_12_224", "beit_base_patch16_224"),
    *("fastvit_t8", "poolformerv2_s12", "xcit_nano_12_p8_224", "eva02_tiny_patch14_224", "resnet18"),
)
BROKEN: Final = "transformers4.48.3-timm1.0.14"
"""A pair in which much is broken, for which two ways to look must find the same."""
A_CORE_EACH: Final = {"OMP_NUM_THREADS": "1"}
"""A lone worker would compute on all cores, and hide what a second one brings."""
SAMPLE: Final = 16  # models
LARGE: Final = 32  # models of a sample beside which the start of Python is small
FEW: Final = 3  # repeats of what takes minutes
PLACE: Final = ROOT / ".nox" / "bench-new"  # on the file system of the other environments, so that files are linked


@dataclass
class Bench:
    """The current pair, in an environment in which it is installed, and the broken one."""

    current: PairRun
    broken: PairRun
    python: PairPython
    uv: str
    say: Say

    def figures(self, names: Sequence[str]) -> Iterator[Figure]:
        """Those named, each as soon as it is known."""
        for name in names:
            about, measure = MEASURES[name]
            self.say(f"({name}) {about}")
            yield from measure(self)

    def bare_work(self) -> Iterator[Figure]:
        """The seconds of each repeat, by both, from one process."""
        options = Options(lanes=(LANE,), routes=ROUTES[:1], models=MODELS, variants=(DEFAULT_VARIANT,))
        pair_run = PairRun.of(self.current.matrix, self.current.pair, options)
        lane, catalog = pair_run.records.lanes[0], catalog_of(pair_run)
        cases = pair_run.records.planned(lane, catalog)
        with tempfile.TemporaryDirectory() as folder:
            asked, into = Path(folder) / "plan.json", Path(folder) / "seconds.json"
            asked.write_text(pair_run.plan(lane, catalog, cases).dumps())
            words = (
                "-W",
                "ignore",
                "-m",
                package.module("doctor.bare_case"),
                "--plan",
                str(asked),
                "--repeats",
                str(REPEATS),
            )
            if not self.python.run(*words, env=VARIABLES, into=into):
                raise RuntimeError("the bare work failed; see above")
            found = json.loads(into.read_text())
        ratios = [ours / bare for ours, bare in zip(found["ours"], found["bare"], strict=True)]
        yield Figure("a", f"a case, to the bare work: wrapper, {len(cases)} models", ratios, most=1.15)

    def workers(self) -> Iterator[Figure]:
        """All default routes of many models, so that the start of Python is a small part, as in a whole run."""
        models = sample(catalog_of(self.current), LARGE)
        self.warm(self.current)
        ratios = []
        for _ in range(FEW):
            one, two = (run_matrix([self.current], models, workers=workers, told=A_CORE_EACH) for workers in (1, 2))
            ratios.append(one.seconds / two.seconds)
        what = f"one worker, to two, a core each: {len(one.outcomes)} cases, whole commands"
        yield Figure("b", what, ratios, least=1.8)

    def installing(self) -> Iterator[Figure]:
        """From the start of nox until the pair is installed and what is installed has been checked."""
        ratios = [self._installed_by_us() / self._installed_by_uv() for _ in range(REPEATS)]
        yield Figure("c", "an environment for a pair, checked, to that of bare uv", ratios, most=2)

    def nothing_changed(self) -> Iterator[Figure]:
        """With records of every case of the matrix, made up."""
        with tempfile.TemporaryDirectory() as folder:
            count = record_all(self.current.matrix, Path(folder))
            before = _sizes(Path(folder))
            # 1: where a rule says broken, what is made up is fixed.
            seconds = [
                run_command.timed(run_command.nox("matrix", "--results", folder), good={0, 1}) for _ in range(REPEATS)
            ]
            if _sizes(Path(folder)) != before:
                raise RuntimeError("records were written where nothing had changed")
        what = f"the shipped matrix, nothing changed: {count:,} made-up records"
        yield Figure("d", what, seconds, most=5, unit="s")

    def sizes(self) -> Iterator[Figure]:
        """The same cases slim and full, of the broken pair."""
        models = sample(self._of_both, SAMPLE)
        self.warm(self.broken)
        slim, full = (run_matrix([self.broken], models, ROUTES, size=size) for size in (DEFAULT_SIZE, Size.FULL))
        same, alike = slim.compared(full)
        pair, count = self.broken.pair.id, len(slim.outcomes)
        what = f"full size, to slim: {pair}, {count} cases, {same} of them with the same outcome"
        yield Figure("e", what, [full.seconds / slim.seconds], alike=alike)

    def rival(self) -> Iterator[Figure]:
        """Both begin without an environment; what uv and pip have kept of earlier downloads is as it is found."""
        models = sample(self._of_both, SAMPLE)
        with self._new_place() as place:
            ours = run_matrix([self.broken], models, ROUTES, place=place)
        with self._new_place() as place:
            theirs = plain_pytest.run(self._virtual_environment, place, self.broken.pair.versions, models)
        found, pair = ours.failed, self.broken.pair.id
        what = f"a plain pytest with pip, to us: {pair}, {len(ours.outcomes)} cases, {len(found)} failed"
        if differ := sorted(found ^ theirs.failed):
            what += f" here and {len(theirs.failed)} there, otherwise: {', '.join('/'.join(one) for one in differ)}"
        yield Figure("f", what, [theirs.seconds / ours.seconds], least=20, alike=bool(found) and found == theirs.failed)

    def growth(self) -> Iterator[Figure]:
        """Twice as much of one thing, all else the same; in proportion would be 2."""
        models = sample(self._of_both, SAMPLE)
        self.warm(self.current)
        self.warm(self.broken)
        found: dict[str, list[float]] = {"models": [], "routes": [], "pairs": []}
        for _ in range(FEW):
            whole, broken, both, fewer_models, fewer_routes = (
                run_matrix(pair_run, some, routes).seconds
                for pair_run, some, routes in (
                    ((self.current,), models, ROUTES),
                    ((self.broken,), models, ROUTES),
                    ((self.current, self.broken), models, ROUTES),
                    ((self.current,), models[::2], ROUTES),
                    ((self.current,), models, ROUTES[::2]),
                )
            )
            found["models"].append(whole / fewer_models)
            found["routes"].append(whole / fewer_routes)
            found["pairs"].append(2 * both / (whole + broken))
        for what, ratios in found.items():
            yield Figure("g", f"twice as many {what}: {len(models)} models, {len(ROUTES)} routes", ratios, most=2)

    @property
    def _of_both(self) -> Catalog:
        """The models that both pairs' timm has."""
        there = {entry.model for entry in catalog_of(self.broken)}
        found = catalog_of(self.current)
        return replace(found, entries=tuple(entry for entry in found if entry.model in there))

    def warm(self, pair_run: PairRun) -> None:
        """Have the pair's environment, whose libraries Python has compiled once."""
        run_matrix([pair_run], MODELS[:1], ROUTES[:1])

    def _virtual_environment(self, place: Path) -> bool:
        return self.python.run("-m", "venv", str(place), env={})

    @contextmanager
    def _new_place(self) -> Iterator[Path]:
        """Where no environment is yet, and none will be."""
        shutil.rmtree(PLACE, ignore_errors=True)
        try:
            yield PLACE
        finally:
            shutil.rmtree(PLACE, ignore_errors=True)

    def _installed_by_us(self) -> float:
        with self._new_place() as place:
            return run_command.timed(run_command.nox("cause", *reproduction.pins(self.current.pair), place=place))

    def _installed_by_uv(self) -> float:
        pair = self.current.pair
        pins = str(lock.path_in(lock.FOLDER, pair.id))
        with self._new_place() as place:
            made = run_command.timed([self.uv, "venv", "--quiet", "--python", pair.python, str(place)])
            into = ["--python", str(place / "bin" / "python")]
            return made + run_command.timed([self.uv, "pip", "sync", "--quiet", "--require-hashes", *into, pins])


MEASURES: Final[Mapping[str, tuple[str, Callable[[Bench], Iterator[Figure]]]]] = {
    "a": ("a case beside the bare work: build, save, load, two forward passes", Bench.bare_work),
    "b": ("one worker against two", Bench.workers),
    "c": ("an environment against bare uv's", Bench.installing),
    "d": ("a run in which nothing changed", Bench.nothing_changed),
    "e": ("full size against slim, and whether both find the same", Bench.sizes),
    "f": ("a plain pytest over full models with pip's environment against us", Bench.rival),
    "g": ("twice as many models, routes, pairs", Bench.growth),
    "h": ("narrow models against slim, and whether both find the same", quick_run.narrow_models),
    "i": ("a start", quick_run.start),
    "j": ("a catalog of a new release, and of three models", quick_run.catalog),
    "k": ("--quick of two pairs against one", quick_run.second_pair),
}


def named(argv: Sequence[str]) -> list[str]:
    """The measurements that a command line names, all where it names none. Raises BadInput for one that is none."""
    about = "\n".join(f"  {name}  {what}" for name, (what, _) in MEASURES.items())
    parser = argparse.ArgumentParser(
        prog="nox -s bench --",
        description=f"Measure how fast it is; leave the machine alone meanwhile.\n\n{about}",
        epilog="example: nox -s bench -- a c",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="what to measure (default: all, an hour and a half)")
    found, rest = parser.parse_known_args(argv)
    if unknown := [*rest, *(name for name in found.names if name not in MEASURES)]:
        raise BadInput(f"nox -s bench has no {', '.join(unknown)}; there are {', '.join(MEASURES)}")
    return found.names or list(MEASURES)


def _sizes(folder: Path) -> Mapping[Path, int]:
    return {path: path.stat().st_size for path in folder.rglob("*.jsonl")}
