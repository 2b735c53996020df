"""`nox -s atlas`, without nox: measures the pairs that the atlas lacks, in order of need, and writes what was found."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from ..atlas import bounds, making, need, proof
from ..atlas import releases as existing
from ..atlas.answer import LANE
from ..atlas.bounds import Line
from ..atlas.entries import pair_files
from ..atlas.entries.entry import PairEntry
from ..atlas.proof import State
from ..config import matrix, option_parser
from ..config.errors import BadInput, CannotImport, HarnessError, Incomplete, NoRelease, NoSolution
from ..config.matrix import Matrix
from ..config.names import unknown
from ..config.option_parser import MANY, Parser, whole
from ..config.options import Options
from ..config.pair import AXES, Pair
from ..config.text import number
from ..contract.case import DEFAULT_VARIANT, Size
from ..environments import catalog_history, pypi
from ..environments.environment import Environment, Say
from ..environments.pypi import Index
from ..execution.pair_run import PairRun
from ..planning import device
from ..results import store, verdicts
from ..results.judging import Judged, Verdict
from .edges import Edges
from .ensure_recorded import tried

MINUTES: Final = 60
REGRESSED, FIXED = Verdict.REGRESSED, Verdict.FIXED
MOST_MINUTES: Final = 100_000
MOST_PAIRS: Final = 100_000
FEW: Final = 4  # routes
CERTAIN: Final = (CannotImport, NoRelease, NoSolution)
"""What is the pair's; an installation may fail for many other reasons."""


def _parser() -> Parser:
    about = (
        "Measure quick models, narrow, with remedies: the pairs that the atlas lacks, in order of need, then the stale."
    )
    parser = Parser("atlas", about, "--minutes 120 --lane cpu-float32")
    minutes = f"begin no pair after so many minutes (default {MINUTES}); what is there stays, and the next run goes on"
    parser.add_argument("--minutes", type=whole(0, MOST_MINUTES, "minutes"), help=minutes)
    lane = f"what is measured (default {LANE}); repeatable"
    parser.add_argument("--lane", dest="lanes", metavar="NAME", help=lane, **MANY)
    parser.add_argument("--list", action="store_true", help="what is lacking, and what is stale; measures nothing")
    draw = "instead: so many pairs at random of those that it lacks, to see whether the rules foresee what they do"
    parser.add_argument("--draw", type=whole(1, MOST_PAIRS, "pairs"), metavar="N", help=draw)
    parser.add_argument("--seed", type=whole(0, MOST_PAIRS, "seeds"), metavar="S", help="of --draw: which (default 0)")
    edges = "prove the bounds of the rules of matrix.yaml instead, by the releases on either side of each"
    parser.add_argument("--edges", action="store_true", help=edges)
    parser.add_argument(
        "--rule", dest="rules", metavar="ID", help="with --edges: these rules alone; repeatable", **MANY
    )
    parser.add_argument("--into", type=Path, metavar="DIR", help="where entries go (default harness/atlas/pairs)")
    option_parser.add_results(parser)
    parser.add_argument("--workers", type=whole(1, 1_024, "processes"), metavar="N", help="processes at a time")
    return parser


@dataclass(frozen=True)
class AtlasCommand:
    """What is measured, for how long, and where it is written."""

    described: Matrix
    options: Options
    line: Line
    lacking: Sequence[Pair]
    minutes: int = MINUTES
    into: Path = pair_files.PACKAGED
    list: bool = False
    stale: Mapping[Pair, Sequence[str]] = field(default_factory=dict)
    """The pairs that were measured before their routes changed, the oldest first, and these routes."""
    edges: Edges | None = None
    """What to prove, instead of pairs to measure."""

    @classmethod
    def of(cls, argv: Sequence[str], index: Index | None = None) -> "AtlasCommand":
        """Read the command line and the matrix, and ask PyPI which releases there are. Raises BadInput."""
        given = _parser().read(argv)
        options = option_parser.shared(given, Size.NARROW)
        described = matrix.load(options.matrix)
        names = [lane.name for lane in described.lanes]
        if strange := [lane for lane in options.lanes if lane not in names]:
            raise BadInput(f"there is no lane {', '.join(strange)}; there are {', '.join(names)}")
        lanes = options.lanes or (LANE,)
        options = replace(options, lanes=lanes, variants=(DEFAULT_VARIANT,), sizes=(Size.NARROW,), quick=True)
        chosen = {name: given[name] for name in ("minutes", "into", "list") if name in given}
        if not chosen.get("list"):
            device.refuse_missing(lanes)
            for option, folder in (("--results", options.results), ("--into", chosen.get("into", pair_files.PACKAGED))):
                store.refuse_unwritable(folder, option)
        into, line = chosen.get("into", pair_files.PACKAGED), _line(described, index)
        if "rules" in given and not given.get("edges"):
            raise BadInput("--rule: only bounds are of a rule; add --edges")
        edges = _edges(described, options, line, into, given.get("rules", ())) if given.get("edges") else None
        there = pair_files.read(into)
        if "seed" in given and "draw" not in given:
            raise BadInput("--seed: only what is drawn has one; add --draw")
        drawn = need.drawn(line, there, given["draw"], given.get("seed", 0)) if "draw" in given else None
        wanted = [_pair(described, releases) for releases in drawn or need.in_order(described, line)]
        lacking = [pair for pair in wanted if not _has(there.get((pair.transformers, pair.timm)), lanes)]
        old = {} if drawn or edges else need.stale(described, there, lanes)
        named = (dict(zip(AXES, releases, strict=True)) for releases in old)
        stale = dict(zip((_pair(described, releases) for releases in named), old.values(), strict=True))
        for pair in lacking:  # of another lane
            stale.pop(pair, None)
        return cls(described, options, line, lacking, stale=stale, edges=edges, **chosen)

    def lines(self) -> Iterator[str]:
        """What is lacking, in words."""
        if self.edges:
            yield from self.edges.lines()
            return
        yield f"{number(len(self.lacking), 'pair')} to measure in {', '.join(self.options.lanes)}, in order of need:"
        yield from (f"  {pair.id}" for pair in self.lacking)
        if self.stale:
            yield f"{number(len(self.stale), 'pair')} to measure again, the oldest first, whose routes have changed:"
            for pair, routes in self.stale.items():
                yield f"  {pair.id}: {', '.join(routes) if len(routes) <= FEW else number(len(routes), 'route')}"

    def measure(self, environment: Callable[[PairRun], Environment], say: Say) -> None:
        """Measure one pair after another until the time is over, and write each when it is done.

        One pair's failure never stops the next. Raises Incomplete at the end for pairs that could not be measured.
        """
        known = {package: [release.version for release in self.line[package]] for package in self.line}
        existing.write(known, pypi.today().isoformat(), self.into.parent / existing.NAME)
        if self.edges:
            self.edges.measure(self.minutes, environment, say)
            return
        started = time.monotonic()
        failed: list[str] = []
        wanted = [*self.lacking, *self.stale]
        for done, pair in enumerate(wanted):
            spent = time.monotonic() - started
            if spent > 60 * self.minutes:
                say(f"{self.minutes} minutes are over; {len(wanted) - done} pairs are left for the next run")
                break
            left = f", about {spent / done * (len(wanted) - done) / 60:.0f} min for all" if done else ""
            say(f"{pair.id}: {done + 1} of {len(wanted)}{left}")
            try:
                self._measure(pair, wanted[done + 1 : done + 2], environment, say)
            except HarnessError as error:  # also of a file of the atlas that was changed meanwhile
                say(f"{pair.id}: {error}")
                failed.append(pair.id)
        if failed:
            raise Incomplete(f"not measured, so the next run tries again: {', '.join(failed)}")

    def _measure(
        self, pair: Pair, following: Sequence[Pair], environment: Callable[[PairRun], Environment], say: Say
    ) -> None:
        """Measure one pair and write it. Raises HarnessError for one that could not be measured, or not be written."""
        later = tuple(PairRun.of(self.described, other, self.options) for other in following)
        pair_run, why = replace(PairRun.of(self.described, pair, self.options), following=later), ""
        try:
            judged = tried(pair_run, environment(pair_run), say)
        except CERTAIN as error:
            say(f"{pair.id}: {error}")
            judged, why = verdicts.judged([pair_run.records]), str(error)
        entry = making.entry_of(pair, judged, Size.NARROW, pypi.today().isoformat(), why)
        try:
            say(f"wrote {pair_files.write(entry, self.into)}")
        except ValueError as error:  # an entry that no file can hold, as one with half of a character
            raise Incomplete(f"what was measured cannot be written: {error}") from error
        if self.into == pair_files.PACKAGED:
            _keep_catalog(pair_run)
        say(_unforeseen(pair, judged))


def _keep_catalog(pair_run: PairRun) -> None:
    """Put the catalog of a timm release that the package lacks beside those that it has."""
    catalog = pair_run.records.catalog()
    if catalog and catalog.timm not in catalog_history.releases():
        catalog_history.add(catalog)


def _unforeseen(pair: Pair, judged: Sequence[Judged]) -> str:
    """How many cases of a pair the rules have not foreseen, in words."""
    told = {verdict: [case for case in judged if case.verdict is verdict] for verdict in (REGRESSED, FIXED)}
    cases = [case for some in told.values() for case in some]
    if not cases:
        return f"{pair.id}: {number(len(judged), 'case')}, all as the rules foresee"
    counts = " and ".join(f"{len(some)} {verdict}" for verdict, some in told.items() if some)
    return f"{pair.id}: of {number(len(judged), 'case')} {counts}, such as {cases[0].case.id}: {cases[0].reason}"


def _line(described: Matrix, index: Index | None) -> Line:
    """The releases of both packages. Raises BadInput if PyPI cannot be asked."""
    try:
        return {name: pypi.since(name, need.OLDEST[name], described.defaults.python, index) for name in AXES}
    except OSError as error:
        raise BadInput(f"PyPI cannot be asked which releases there are: {error}; try again later") from error


def _edges(described: Matrix, options: Options, line: Line, into: Path, rules: Sequence[str]) -> Edges:
    """The edges of these rules, or of all, that are not proven yet. Raises BadInput for a rule that there is not."""
    ids = [rule.id for rule in described.expectations]
    if strange := [rule for rule in rules if rule not in ids]:
        raise BadInput(unknown("rule", strange[0], ids))
    file = into.parent / proof.FILE.name
    proven = {known.edge for known in proof.read(file) if known.state is State.PROVEN}
    wanted = [edge for edge in bounds.edges(described, line) if edge not in proven]
    named = [edge for edge in wanted if not rules or edge.bound.rule in rules]
    return Edges(described, options, line, named, partial(_pair, described), file)


def _pair(described: Matrix, releases: Mapping[str, str]) -> Pair:
    """The pair of the matrix with these releases, which may name another torch; or one with the defaults."""
    named = (pair for pair in described.pairs if all(getattr(pair, name) == releases[name] for name in AXES))
    fields: dict[str, Any] = {**described.defaults.model_dump(), **releases, "defaults": described.defaults}
    return next(named, None) or Pair(**fields)


def _has(there: PairEntry | None, lanes: Sequence[str]) -> bool:
    return there is not None and set(lanes) <= there.lanes.keys()
