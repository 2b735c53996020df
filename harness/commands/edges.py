"""`nox -s atlas -- --edges`: for each bound of each rule, the same cases on either side of it, and what they say."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Final

from ..atlas import names, proof
from ..atlas.answer import LANE
from ..atlas.bounds import OTHER, Edge, Line, bounds_of, further
from ..atlas.proof import Proof, State
from ..config.errors import BadInput, CannotImport, HarnessError
from ..config.expectation import Rule
from ..config.lane import Lane
from ..config.matrix import Matrix
from ..config.options import Options
from ..config.pair import AXES, Pair
from ..config.text import number
from ..contract.case import DEFAULT_VARIANT, Case
from ..contract.catalog import BERT, Entry
from ..contract.lane_name import COMPANIONS
from ..contract.matching import applies_to, within
from ..contract.routes import OWN, ROUTES
from ..environments import pypi
from ..environments.environment import Environment, Say
from ..execution.pair_run import PairRun
from ..results.judging import Judged
from ..results.pair_records import PairRecords
from . import cause
from .ensure_recorded import tried
from .issue_report import script_of
from .shown_case import case_of, lane_of, torch_within

FEW: Final = 2
MORE: Final = 6
"""So many models are tried for a rule on a route at first, and where they do not tell."""
ROUNDS: Final = 6
"""So often an edge is moved, a release further each time."""
UNDECIDED: Final = frozenset({State.NOWHERE, State.WIDER, State.HIDDEN, State.UNTRIED})
"""What more models, or the next release, may decide."""


@dataclass
class Edges:
    """The edges that lack a proof, and what was found on their sides so far."""

    described: Matrix
    options: Options
    line: Line
    wanted: Sequence[Edge]
    pair_of: Callable[[Mapping[str, str]], Pair]
    file: Path = proof.FILE
    found: dict[tuple[Pair, str], list[Judged] | None] = field(default_factory=dict)
    """What a pair's lane came to; None if it could not be measured."""

    @cached_property
    def rules(self) -> Mapping[str, Rule]:
        """The rules by id."""
        return {rule.id: rule for rule in self.described.expectations}

    @cached_property
    def _lanes(self) -> Mapping[str, Lane]:
        return {lane.name: lane for lane in self.described.lanes}

    def lines(self) -> Iterator[str]:
        """What there is to prove, in words."""
        bounds = {edge.bound for edge in self.wanted}
        yield f"{number(len(self.wanted), 'edge')} of {number(len(bounds), 'bound')} to prove:"
        for edge in self.wanted:
            yield f"  {edge.bound.rule} {edge.bound}: {edge.inside} and {edge.outside} beside {edge.beside}"

    def measure(self, minutes: float, environment: Callable[[PairRun], Environment], say: Say) -> None:
        """Measure both sides of each edge, with few models first, and write down what they say."""
        ends = time.monotonic() + 60 * minutes
        left = self._by_scripts(self.wanted, environment, say)
        for most in (FEW, *(MORE,) * ROUNDS):
            # An edge that was moved is a new one, for which few models tell.
            cases = {edge: self._cases(edge, most if edge in self.wanted else FEW) for edge in left}
            if not self._measured(cases, ends, environment, say):
                return
            told = {edge: proof for edge in left if (proof := self._proof(edge, *cases[edge]))}
            undecided = [edge for edge in left if edge not in told or told[edge].state in UNDECIDED]
            following = [self._following(edge, told.get(edge), most) for edge in undecided]
            left = [edge for edge in following if edge]
            if not left:
                return
            say(f"{number(len(left), 'edge')} not decided by {number(most, 'model')} a rule and route")

    def _measured(
        self,
        cases: Mapping[Edge, tuple[str, Sequence[Case]]],
        ends: float,
        environment: Callable[[PairRun], Environment],
        say: Say,
    ) -> bool:
        """Run the cases on both sides of each edge, and write what each edge is told. False if the time is over."""
        self.found.clear()
        needed: dict[Pair, set[tuple[str, str]]] = {}
        for edge, (lane, some) in cases.items():
            for pair in self._sides(edge):
                needed.setdefault(pair, set()).update((lane, case.id) for case in some)
        known: set[Edge] = set()
        for done, (pair, some_cases) in enumerate(sorted(needed.items(), key=lambda item: _order(item[0]))):
            if time.monotonic() > ends:
                say(f"the time is over; {len(needed) - done} pairs are left for the next run")
                return False
            say(f"{pair.id}: {done + 1} of {len(needed)}, {number(len(some_cases), 'case')}")
            self._measure(pair, some_cases, environment, say)
            proofs = [told for edge in cases.keys() - known if (told := self._proof(edge, *cases[edge]))]
            self._write(proofs)
            for told in proofs:
                known.add(told.edge)
                say(told.words)
        return True

    def _following(self, edge: Edge, told: Proof | None, tried: int) -> Edge | None:
        """What to try next for an edge: where other failures hide what is asked, the next release on that side."""
        hidden = told is not None and told.state is State.HIDDEN
        moved = further(edge, self.line, edge.outside if told and told.by else edge.inside) if hidden else None
        return moved or (edge if tried == FEW else None)

    def _cases(self, edge: Edge, most: int) -> tuple[str, list[Case]]:
        """The lane, and the cases on which the edge's rule can be seen."""
        rule = self.rules[edge.bound.rule]
        lane = lane_of(rule)
        routes = [route for route in self.described.routes if route in rule.routes and _runs_in(route, lane)]
        catalogs = [names.catalog_of(pair.timm) for pair in self._sides(edge)]
        there = set.intersection(*({entry.model for entry in catalog} for catalog in catalogs))
        kinds = (entry.model for entry in catalogs[0].smallest_of_each_kind())
        rest = sorted(catalogs[0], key=lambda entry: entry.params_at(case_of(OWN, entry).size))
        ordered = [*kinds, *self.described.models.controls, *(entry.model for entry in rest)]
        entries = [catalogs[0][model] for model in dict.fromkeys(ordered) if model in there]
        runs = [entry for entry in entries if self._lanes[lane].has(entry.model)]
        [variant, *_] = rule.variants or (DEFAULT_VARIANT,)
        cases: list[Case] = []
        for route in routes:
            scope = self.described.routes[route].models  # every one, the quick ones, or those that globs name
            named = [entry for entry in runs if isinstance(scope, str) or _is_named(entry, scope)]
            known = named if ROUTES[route].has_timm else [BERT]
            of_route = ((case_of(route, entry, variant), entry) for entry in known)
            cases += [case for case, entry in of_route if applies_to(rule, case, lane, entry)][:most]
        return lane, cases

    def _is_asked(self, edge: Edge) -> bool:
        """Whether an edge is still one of the matrix: its rule may have other bounds now, also of the other package."""
        rule = self.rules.get(edge.bound.rule)
        other = OTHER[edge.bound.package]
        return rule is not None and edge.bound in bounds_of(rule) and within(getattr(rule, other), edge.beside)

    def _sides(self, edge: Edge) -> tuple[Pair, Pair]:
        inside, outside = (self.pair_of(edge.releases(side)) for side in (edge.inside, edge.outside))
        wanted = self.rules[edge.bound.rule].torch
        if wanted is None or within(wanted, inside.torch):
            return inside, outside
        older = torch_within(wanted, self.described.defaults.python)
        return inside.with_versions(**older), outside.with_versions(**older)

    def _measure(
        self, pair: Pair, cases: Iterable[tuple[str, str]], environment: Callable[[PairRun], Environment], say: Say
    ) -> None:
        """Run the cases of a pair, and keep what each lane came to."""
        for lane in sorted({lane for lane, _ in cases}):
            only = frozenset((name, case) for name, case in cases if name == lane)
            planned = [Case.parse(case) for _, case in only]
            models = tuple(sorted({case.model for case in planned}))
            variants = tuple(sorted({case.variant for case in planned}))
            named = replace(self.options, lanes=(lane,), models=models, variants=variants)
            options = replace(named, anyway=True, quick=False)
            pair_run = PairRun(PairRecords(self.described, pair, options, only=only))
            try:
                self.found[pair, lane] = tried(pair_run, environment(pair_run), say)
            except CannotImport as error:
                say(f"{pair.id}: {error}")
                self.found[pair, lane] = []
            except HarnessError as error:
                say(f"{pair.id}: {error}")
                self.found[pair, lane] = None

    def _by_scripts(self, left: Sequence[Edge], environment: Callable[[PairRun], Environment], say: Say) -> list[Edge]:
        """Prove the edges of rules that are about people's own models alone by their scripts; those that stay."""
        own = [edge for edge in left if set(self.rules[edge.bound.rule].routes) == {OWN}]
        for edge in own:
            try:
                script = script_of(self.rules[edge.bound.rule])
            except BadInput as error:
                say(str(error))
                continue
            sides = [cause.said(PairRun.of(self.described, pair, self.options), script, environment, say)
                     for pair in self._sides(edge)]  # fmt: skip
            told = Proof(edge, proof.of_script(*sides), LANE, pypi.today().isoformat(), (script,))
            say(told.words)
            self._write([told])
        return [edge for edge in left if edge not in own]

    def _proof(self, edge: Edge, lane: str, cases: Sequence[Case]) -> Proof | None:
        """What is known of an edge by now; None if a side of it was not measured."""
        ids = {case.id for case in cases}
        sides = [self.found.get((pair, lane)) for pair in self._sides(edge)]
        if any(side is None for side in sides):
            return None
        told = [[case for case in side or () if case.case.id in ids] for side in sides]
        return proof.proof_of(edge, self.rules[edge.bound.rule], lane, pypi.today().isoformat(), told)

    def _write(self, proofs: Iterable[Proof]) -> None:
        there = {known.edge: known for known in proof.read(self.file) if self._is_asked(known.edge)}
        proof.write({**there, **{told.edge: told for told in proofs}}.values(), self.file)


def _runs_in(route: str, lane: str) -> bool:
    return lane.endswith(COMPANIONS) or not ROUTES[route].companion


def _is_named(entry: Entry, globs: Iterable[str]) -> bool:
    return any(fnmatchcase(entry.model, glob) for glob in globs)


def _order(pair: Pair) -> tuple[str, ...]:
    return tuple(getattr(pair, name) for name in AXES)
