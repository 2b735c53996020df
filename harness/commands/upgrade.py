"""nox -s upgrade, without nox: what breaks, and what is mended, for somebody who moves from one pair to another."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..config import matrix, option_parser
from ..config.errors import BadInput, InstallationError
from ..config.option_parser import PART, Parser
from ..config.options import Options
from ..config.pair import AXES, Pair
from ..config.text import number
from ..contract import tempdirs
from ..contract.case import DEFAULT_VARIANT, GREEN, Size
from ..contract.catalog import BERT, Catalog
from ..contract.routes import ROUTES
from ..environments.environment import Environment, Say
from ..execution.pair_run import PairRun
from ..planning import plan
from ..results import verdicts
from ..results.judging import Judged
from ..results.pair_diff import HARM, Key, Kind, compare, key_of, responsible_package, unknown
from ..results.pair_records import PairRecords
from ..results.upgrade_result import UpgradeResult
from . import upgrade_ends
from .ensure_recorded import check, check_names, tried
from .run_arguments import ALL
from .upgrade_known import MEASURE, KnownMove

Refuse = Callable[[Sequence[Judged]], None]
"""What may raise, once the verdicts of the pair at the start are there."""


def _parser() -> Parser:
    parser = Parser("upgrade", ALL, f"transformers==5.23.0 --from transformers4.57.6-timm1.0.22 {PART}")
    option_parser.add_requirements(parser, "+")
    parser.add_argument("--from", dest="start", metavar="ID", help="the pair to start from (default: the current)")
    measure = "install and run both ends (default: answer from the atlas, which runs nothing)"
    parser.add_argument(MEASURE, action="store_true", help=measure)
    option_parser.add_selection(parser, Size.SLIM)
    option_parser.add_own(parser)
    option_parser.add_running(parser)
    option_parser.add_results(parser)
    return parser


def upgrade_options(argv: Sequence[str]) -> dict[str, Any]:
    """The options of a command line, by name. Raises BadInput."""
    return _parser().read(argv)


@dataclass(frozen=True)
class UpgradeCommand:
    """From one pair to another, and the cases that matter."""

    described: matrix.Matrix
    options: Options
    old: Pair
    new: Pair
    known: KnownMove | None = None
    """What the atlas is asked instead of running anything; None with `--measure`."""

    @classmethod
    def of(cls, argv: Sequence[str], here: Path, also: tuple[str, ...] = ()) -> "UpgradeCommand":
        """Read the command line, typed in the folder `here`. Raises BadInput with what is wrong with it.

        `also` are requirements that are installed beside each pair.
        """
        arguments = _parser().read(argv)
        start, measure, given = arguments.pop("start", None), arguments.pop("measure", False), frozenset(arguments)
        options = option_parser.typed_in(here, option_parser.shared(arguments, Size.SLIM))
        described = matrix.load(options.matrix)
        if described.uses and not options.routes and not options.models and not options.own:
            options = replace(options, routes=described.uses.routes, models=described.uses.models, place="uses")
        options = replace(options, anyway=not options.quick, also=also)
        old = upgrade_ends.pair_named(start or described.current, described)
        new = upgrade_ends.target(options.requirements, old, described)
        if old.id == new.id:
            raise BadInput(f"{old.id} is where it starts; name another release, or another start with --from")
        upgrade_ends.refuse_two_at_once(old, new)
        known = None if measure else KnownMove(old, new, options, given, argv)
        move = cls(described, options, old, new, known)
        ends = [move.at(old), move.at(new)]
        check_names(ends) if known else check(ends)
        return move

    def at(self, pair: Pair, only: frozenset[Key] | None = None) -> PairRun:
        """The cases with a pair; some of them alone, by lane and id."""
        return PairRun(PairRecords(self.described, pair, self.options, only=only))

    @property
    def mixed(self) -> dict[str, Pair]:
        """The old pair with one package moved, by that package; none where only one is to be moved."""
        if not set(AXES) <= set(self.old.differs_from(self.new)):
            return {}
        return {name: self.old.with_versions(**{name: getattr(self.new, name)}) for name in AXES}

    def answer(self, environment: Environment, say: Say, refuse: Refuse = lambda _: None) -> UpgradeResult:
        """Run what is not recorded of both pairs, and of the mixed ones what changed.

        `refuse` is handed what the old pair came to before the new one runs, and may raise.
        A pair that cannot be made is recorded as such, and its cases have no record. Raises BadInput as selecting does,
        and for a release that does not exist.
        """
        return self._of_one_mind(environment, say)._answer(environment, say, refuse)  # noqa: SLF001 - it is the same move

    def _of_one_mind(self, environment: Environment, say: Say) -> "UpgradeCommand":
        """The same, with one set of quick models: each release of timm has its own, by what it has.

        Before anything runs both ends are tried to be made, as far as they have to be.
        """
        quick: set[str] = set()
        for pair in (self.new, self.old):
            pair_run = self.at(pair)
            with contextlib.suppress(InstallationError):  # which is recorded when its cases are to run
                catalog = pair_run.prepare(environment, say)
                quick |= {entry.model for entry in catalog.smallest_of_each_kind()}
                if any(pair_run.pending(lane, catalog) for lane in pair_run.records.lanes):
                    with pair_run.environment.installed(environment, say):
                        pass
        return replace(self, options=replace(self.options, quick_too=frozenset(quick)))

    def _answer(self, environment: Environment, say: Say, refuse: Refuse) -> UpgradeResult:
        old = self._tried(self.at(self.old), environment, say)
        refuse(old)
        new = self._tried(self.at(self.new), environment, say)
        if not old and not new:
            raise plan.nothing_selected(self.options)
        changes = compare(old, new)
        due = frozenset(change.key for change in changes if change.kind in {*HARM, Kind.FIXED, Kind.OTHERWISE})
        mixed: dict[str, dict[Key, Judged]] = {}
        for package, pair in self.mixed.items() if due else ():
            say(f"{pair.id}: {package} alone, for {number(len(due), 'case')} that changed")
            mixed[package] = {key_of(case): case for case in self._tried(self.at(pair, due), environment, say)}
        alone = self.old.differs_from(self.new)[0]
        return UpgradeResult(
            start=self.old,
            end=self.new,
            tolerances=self.described.tolerances,
            old=old,
            new=new,
            changes=changes,
            by={
                change.key: responsible_package(change, mixed) if mixed else alone
                for change in changes
                if change.key in due
            },
            known=self._known(old, say),
            carried=self._carried(old, environment, say),
            alike=frozenset(self._alike(new)),
        )

    def _tried(self, pair_run: PairRun, environment: Environment, say: Say) -> list[Judged]:
        try:
            return tried(pair_run, environment, say)
        except InstallationError as error:
            say(f"{pair_run.pair.id}: {error}")
            return verdicts.judged([pair_run.records])

    def _carried(self, old: Sequence[Judged], environment: Environment, say: Say) -> list[Judged]:
        """What the new pair makes of checkpoints that the old one saved: quick models, the first lane by default."""
        named = self.options.routes or (() if self.options.own else self.described.routes)
        routes = tuple(name for name in named if ROUTES[name].saves)
        options = replace(
            self.options,
            routes=routes,
            quick=not self.options.models and not self.options.own,
            lanes=self.options.lanes or (self.described.lanes[0].name,),
            variants=self.options.variants or (DEFAULT_VARIANT,),
            results=self.options.results / "carried" / self.old.id,
        )
        alike = self._alike(old) | {BERT.model}
        saved = frozenset(key_of(judged) for judged in old if _was_saved(judged) and judged.case.model in alike)
        if not saved or not (routes or self.options.own):
            return []
        catalogs = self.at(self.old).records.generated_catalogs
        saving = PairRecords(self.described, self.old, options, only=saved, catalogs=catalogs)
        loading = replace(saving, pair=self.new, saved_by=saving)
        try:
            self._hand_over(saving, loading, environment, say)
        except InstallationError as error:
            say(f"{self.old.id} to {self.new.id}: {error}")
        return verdicts.judged([loading])

    def _hand_over(self, saving: PairRecords, loading: PairRecords, environment: Environment, say: Say) -> None:
        """Save with the old pair, and load with the new one, the cases that have no record that counts."""
        taker = PairRun(loading)
        catalog = taker.prepare(environment, say)
        if any(taker.pending(lane, catalog) for lane in loading.lanes):
            with tempdirs.folder("carried") as folder:
                say(f"{self.old.id}: saving checkpoints, for {self.new.id} to load")
                options = replace(loading.options, results=folder / "records", rerun=False)
                keeper = PairRun(replace(saving, options=options), handover={"keeps": str(folder / "handover")})
                keeper.run(keeper.prepare(environment, say), environment, say)
                replace(taker, handover={"takes": str(folder / "handover")}).run(catalog, environment, say)

    def _alike(self, judged: Sequence[Judged]) -> set[str]:
        """The models that are the same on both sides: a user's, and those of timm that are cut alike."""
        return {case.case.model for case in judged} if self.options.own else self._cut_alike()

    def _cut_alike(self) -> set[str]:
        old, new = (
            {entry.model: entry.slim for entry in catalog} for catalog in map(self._catalog, (self.old, self.new))
        )
        return {
            model
            for model, cut in old.items()
            if model in new and (cut.args, cut.input_size) == (new[model].args, new[model].input_size)
        }

    def _catalog(self, pair: Pair) -> Catalog:
        return self.at(pair).records.catalog() or Catalog(pair.timm, 0, (), ())

    def _known(self, old: Sequence[Judged], say: Say) -> dict[Pair, bool]:
        """Whether a pair on the way breaks nothing that works now, of those on record whatever ran them."""
        safe = {}
        for pair in self._on_the_way():
            try:
                judged = verdicts.judged([self.at(pair).records])
            except BadInput as error:
                say(f"{pair.id} is left out: {error}")
                continue
            if any(case.outcome in GREEN for case in judged) and not unknown(judged):
                safe[pair] = not any(change.kind in HARM for change in compare(old, judged))
        return safe

    def _on_the_way(self) -> list[Pair]:
        """Those of the matrix and those that have a folder of records, between both ends and neither of them."""
        folders = sorted(self.options.results.iterdir())
        recorded = [pair for folder in folders if (pair := Pair.parse_id(folder.name, self.described.defaults))]
        every = {pair.id: pair for pair in (*recorded, *self.described.pairs)}
        return [
            pair
            for pair in every.values()
            if pair.id not in {self.old.id, self.new.id} and upgrade_ends.is_between(self.old, pair, self.new)
        ]


def _was_saved(case: Judged) -> bool:
    """Whether a pair came as far as to save its checkpoint."""
    error = ((case.record or {}).get("detail") or {}).get("error") or {}
    ended = case.outcome in {"unsupported", "not-run", "crashed", "timeout", "out-of-memory", None}
    return not ended and not (case.outcome == "error" and error.get("phase") in {"native", "save", "load"})
