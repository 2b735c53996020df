"""How fast the parts of a quick run are: narrow models, a start, a catalog, a second pair."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...contract import package
from ...contract.case import DEFAULT_SIZE, Size
from ...environments.pair_environment import VARIABLES
from .figure import Figure
from .matrix_run import run_matrix
from .samples import REPEATS, ROUTES, catalog_of

if TYPE_CHECKING:
    from .bench import Bench

ONE: Final = "convnext_atto"
THREE: Final = (ONE, "eva02_tiny_patch14_224", "cait_xxs24_224")
WIDE: Final = 12  # models: the largest quick ones, in which width costs most


def narrow_models(bench: "Bench") -> Iterator[Figure]:
    """The largest quick models of the broken pair, slim and narrow."""
    quick = sorted(catalog_of(bench.broken).smallest_of_each_kind(), key=lambda entry: entry.slim.params)
    models = [entry.model for entry in quick if entry.narrow][-WIDE:]
    bench.warm(bench.broken)
    slim, narrow = (run_matrix([bench.broken], models, ROUTES, size=size) for size in (DEFAULT_SIZE, Size.NARROW))
    same, alike = slim.compared(narrow)
    what = f"slim, to narrow: {bench.broken.pair.id}, {len(slim.outcomes)} cases, {same} of them with the same outcome"
    yield Figure("h", what, [slim.seconds / narrow.seconds], least=1.5, alike=alike)


def start(bench: "Bench") -> Iterator[Figure]:
    """One case in an environment that is there: what every run takes until it has an outcome."""
    bench.warm(bench.current)
    seconds = [run_matrix([bench.current], [ONE], ROUTES[:1]).seconds for _ in range(REPEATS)]
    yield Figure("i", "a start: one case of the current pair, the whole command", seconds, most=8, unit="s")


def catalog(bench: "Bench") -> Iterator[Figure]:
    """The catalog of the current timm, and that of three of its models alone."""
    timm = bench.current.pair.timm
    yield Figure("j", f"the catalog of timm {timm}", [_catalogued(bench, [])], most=30, unit="s")
    seconds = [_catalogued(bench, ["--only", *THREE]) for _ in range(REPEATS)]
    yield Figure("j", f"the catalog of {len(THREE)} of its models", seconds, most=10, unit="s")


def second_pair(bench: "Bench") -> Iterator[Figure]:
    """The quick models of two pairs in one command; in proportion to one would be 2."""
    for pair_run in (bench.current, bench.broken):
        bench.warm(pair_run)
    current, broken, both = (
        run_matrix(pairs, quick=True).seconds
        for pairs in ([bench.current], [bench.broken], [bench.current, bench.broken])
    )
    yield Figure("k", "--quick of two pairs, to one of them", [2 * both / (current + broken)], most=2)


def _catalogued(bench: "Bench", words: Sequence[str]) -> float:
    controls = bench.current.matrix.models.controls
    arguments = ("-m", package.module("cell.catalog.builder"), "--controls", *controls, *words)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        if not bench.python.run(*arguments, env=VARIABLES, into=Path(folder) / "catalog"):
            raise RuntimeError("the catalog failed; see above")
    return time.perf_counter() - started
